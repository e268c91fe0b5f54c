"""baresip as the business's SIP endpoint: answers by itself, plays a WAV file, records what it hears."""

import glob
import json
import os
import socket
import threading
import time

from harness import Failure, Process, wait_until

CONFIG = """\
sip_listen        127.0.0.1:{sip_port}
{tls}audio_source      aufile,{play}
audio_player      aufile,x
audio_alert       aufile,x
ausrc_srate       {rate}
auplay_srate      {rate}
ausrc_channels    1
auplay_channels   1
audio_txmode      thread
rtp_ports         {rtp_min}-{rtp_max}
snd_path          {folder}
module_path       {modules}
module            g711.so
module            g722.so
module            srtp.so
module            aufile.so
module            sndfile.so
module_tmp        uuid.so
module_tmp        account.so
module_app        menu.so
module_app        ctrl_tcp.so
ctrl_tcp_listen   127.0.0.1:{control_port}
"""
ACCOUNT = "<sip:{user}@127.0.0.1:{domain_port};transport={transport}>;regint={regint};answermode={answer};audio_codecs={codec}{more}\n"

PORTS = 24  # how many of free_ports() one phone takes: SIP, SIP over TLS (always the next one), control, RTP


def module_folder():
    found = glob.glob("/usr/lib/baresip/modules") + glob.glob("/usr/lib/*/baresip/modules")
    if not found:
        raise Failure("baresip's modules are not under /usr/lib")
    return found[0]


class Baresip:
    def __init__(self, folder, base_port, play, codec="pcmu", user="600", answer="auto", account="", srtp=None, transport="udp",
                 certificates=None, registrar=None):
        """`play` is a WAV longer than the call: baresip hangs up at its end. `account`: further ;parameters. srtp: None, "srtp"
        or "srtp-mand". certificates: of the kind Certificates, for transport "tls". registrar: the port of one, and the password of user there."""
        self.folder = os.path.join(folder, "baresip-%d" % base_port)
        self.sip_port, self.control_port = base_port, base_port + 2
        self.uri = "sip:%s@127.0.0.1:%d" % (user, self.sip_port)
        tls = "sip_certificate   %s\nsip_cafile        %s\n" % (certificates.both, certificates.ca) if certificates else ""
        self.events = []  # (monotonic seconds, event) in order
        os.mkdir(self.folder)
        self._write("config", CONFIG.format(
            sip_port=self.sip_port, tls=tls, control_port=self.control_port, play=play, folder=self.folder,
            rate=16000 if codec == "g722" else 8000,
            rtp_min=base_port + 4, rtp_max=base_port + PORTS - 1, modules=module_folder()))
        self._write("accounts", ACCOUNT.format(user=user, transport=transport, answer=answer,
                                               domain_port=registrar[0] if registrar else self.sip_port, regint=60 if registrar else 0,
                                               codec="g722/16000" if codec == "g722" else codec,  # alone it is ignored
                                               more=account + (";mediaenc=" + srtp if srtp else "")
                                               + (";auth_user=%s;auth_pass=%s" % (user, registrar[1]) if registrar else "")))
        self._write("contacts", "")
        # without -n it would put the machine's own address into its SDP
        self.process = Process("baresip-%d" % base_port, ["baresip", "-f", self.folder, "-n", "127.0.0.1", "-v"], folder)
        self.control = wait_until(self._connect, 10, "baresip's control port")
        threading.Thread(target=self._read_events, daemon=True).start()

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def _connect(self):
        if not self.process.running():
            raise Failure("baresip has ended:\n" + self.process.tail())
        try:
            return socket.create_connection(("127.0.0.1", self.control_port), timeout=2)
        except OSError:
            return None

    def _read_events(self):
        """Netstrings of JSON: 27:{"event":true,...},"""
        data = b""
        self.control.settimeout(None)
        while True:
            try:
                more = self.control.recv(65536)
            except OSError:
                return
            if not more:
                return
            data += more
            while b":" in data:
                length, _, rest = data.partition(b":")
                size = int(length)
                if len(rest) < size + 1:
                    break
                message, data = json.loads(rest[:size]), rest[size + 1 :]
                if message.get("event"):
                    self.events.append((time.monotonic(), message))

    def command(self, command, params=""):
        text = json.dumps({"command": command, "params": params, "token": "1"}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

    def seen(self, kind):
        """The first event of that type, such as CALL_ESTABLISHED or CALL_CLOSED, or None."""
        return next((event for _, event in self.events if event.get("type") == kind), None)

    def when(self, kind):
        return next((t for t, event in self.events if event.get("type") == kind), None)

    def keys(self):
        """What the other side pressed, as telephone-event told it."""
        return "".join(e.get("param", "") for _, e in self.events if e.get("type") == "CALL_DTMF_START")

    def secured(self):
        with open(self.process.stdout_path) as f:
            return "SRTP is Enabled" in f.read()

    def recording(self):
        """What it heard; complete once the call is closed."""
        found = glob.glob(os.path.join(self.folder, "dump-*-dec.wav"))
        if len(found) != 1:
            raise Failure("%d recordings of baresip, expected one" % len(found))
        return found[0]

    def stop(self):
        try:
            self.command("quit")
        except OSError:
            pass
        self.process.wait(2)
        self.process.stop()
        self.control.close()
