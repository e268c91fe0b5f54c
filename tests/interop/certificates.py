"""A certificate authority for one test, and a certificate for everybody in it, who all live at 127.0.0.1."""

import os
import subprocess

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


class Certificates:
    """ca, certificate, key: paths. both: certificate and key in one file, as baresip wants them."""

    def __init__(self, folder):
        self.folder = folder
        self.ca, ca_key = self._path("ca.pem"), self._path("ca.key")
        self.certificate, self.key, self.both = self._path("peer.crt"), self._path("peer.key"), self._path("peer.pem")
        request, extensions = self._path("peer.csr"), self._path("peer.ext")
        with open(extensions, "w") as f:
            f.write("subjectAltName=DNS:127.0.0.1,IP:127.0.0.1\n")  # linphone's mbedTLS compares no addresses
        self._openssl("req", "-x509", *KEY, "-subj", "/CN=interop", "-keyout", ca_key, "-out", self.ca)
        self._openssl("req", "-new", *KEY[:-2], "-subj", "/CN=127.0.0.1", "-keyout", self.key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", extensions,
                      "-out", self.certificate)
        with open(self.both, "w") as out:
            for part in (self.certificate, self.key):
                with open(part) as f:
                    out.write(f.read())

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _openssl(*args):
        subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
