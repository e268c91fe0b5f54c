"""linphone (linphonec) as the business's SIP endpoint: a second SIP stack (belle-sip) and a second media stack (mediastreamer).

It answers by itself, plays a WAV file, records what it hears. What it tells of a call are lines for people; they are read as
the events that baresip has, so that a story does not mind which phone it has.

It takes no TLS connection (belle-sip: "New connection arriving on TLS, not handled"): over TLS it is called on the connection
by which it registered.
"""

import os
import re
import subprocess
import threading
import time

from harness import Failure, Process, wait_until

CONFIG = """\
[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
use_ipv6=0
ipv6_migration_done=1
bind_address=127.0.0.1
media_encryption={encryption}
media_encryption_mandatory={mandatory}
use_rfc2833=1
use_info=0
root_ca={ca}
verify_server_certs=1
verify_server_cn=1
zrtp_key_negotiation=0

[rtp]
bind_address=127.0.0.1
audio_rtp_port={rtp_min}-{rtp_max}

[sound]
echocancellation=0
agc=0

[net]
mtu=1300
"""
# liblinphone asks these of itself; a codec that is not named stays as it is by default.
CODEC = """
[audio_codec_{n}]
mime={mime}
rate={rate}
channels={channels}
enabled={enabled}
"""
CODECS = (("opus", 48000, 2), ("speex", 16000, 1), ("speex", 8000, 1), ("PCMU", 8000, 1), ("PCMA", 8000, 1), ("GSM", 8000, 1), ("G722", 8000, 1), ("G729", 8000, 1))

LINES = (
    (re.compile(r"Receiving new incoming call|is contacting you"), "CALL_INCOMING"),
    (re.compile(r"Call \d+ to .* ringing|Remote ringing"), "CALL_RINGING"),
    (re.compile(r"Call \d+ with .* connected|Media streams established"), "CALL_ESTABLISHED"),
    (re.compile(r"Call \d+ with .* (ended|error)|Call (ended|terminated|declined)"), "CALL_CLOSED"),
)
DTMF = re.compile(r"Receiving tone (.)")
PORTS = 24


class Linphone:
    def __init__(self, folder, base_port, play, transport="udp", user="600", codec="pcmu", srtp=None, ca="", registrar=None, answer="auto"):
        """registrar: the proxy where it registers and through which it calls, such as sip:127.0.0.1:5061;transport=tls."""
        self.folder = os.path.join(folder, "linphone-%d" % base_port)
        self.events = []
        self.sip_port, self.transport, self.user = base_port, transport, user
        self.log = os.path.join(self.folder, "log")
        self.heard = os.path.join(self.folder, "heard.wav")
        home = os.path.join(self.folder, ".local", "share", "linphone")
        os.makedirs(home)  # else it complains about its data base
        text = CONFIG.format(
            udp=base_port if transport == "udp" else 0, tcp=base_port if transport == "tcp" else 0,
            tls=base_port if transport == "tls" else 0, encryption="srtp" if srtp else "none", mandatory=int(srtp == "srtp-mand"), ca=ca,
            rtp_min=base_port + 4, rtp_max=base_port + PORTS - 1)
        for n, (mime, rate, channels) in enumerate(CODECS):
            text += CODEC.format(n=n, mime=mime, rate=rate, channels=channels, enabled=int(mime.lower() == codec.lower()))
        if registrar:
            text += '\n[proxy_0]\nreg_proxy=<%s>\nreg_route=<%s>\nreg_identity="%s" <sip:%s@watrunk.test>\nreg_expires=300\nreg_sendregister=1\n' % (
                registrar, registrar, user, user) + "publish=0\n"
            text = text.replace("[sip]\n", "[sip]\ndefault_proxy=0\n", 1)
        rc = os.path.join(self.folder, "linphonerc")
        with open(rc, "w") as f:
            f.write(text)
        # its output is a terminal's, and is held back when it goes to a file
        self.process = Process("linphone-%d" % base_port, ["stdbuf", "-oL", "linphonec", "-c", rc, "-d", "6", "-l", self.log, *(["-a"] if answer == "auto" else [])],
                               folder, env={**os.environ, "HOME": self.folder, "LANG": "C"}, stdin=subprocess.PIPE)
        for command in ("soundcard use files", "play " + play, "record " + self.heard):
            self._say(command)
        self.over = threading.Event()
        self.reader = threading.Thread(target=self._read_events, daemon=True)
        self.reader.start()
        wait_until(lambda: self._bound() or not self.process.running(), 10, "linphone's socket")
        if registrar:
            wait_until(self._registered, 10, "linphone registers")

    def _bound(self):
        with open(self.process.stdout_path, errors="replace") as f:
            return "record " + self.heard in f.read()

    def _say(self, line):
        try:
            self.process.popen.stdin.write(line.encode() + b"\n")
            self.process.popen.stdin.flush()
        except OSError:
            raise Failure("linphone has ended:\n" + self.process.tail())

    def _read_events(self):
        with open(self.process.stdout_path, errors="replace") as f:
            rest = ""
            while not self.over.is_set():
                more = f.readline()
                if not more:
                    time.sleep(0.02)
                    continue
                rest += more
                if not rest.endswith("\n"):
                    continue
                line, rest = rest.strip(), ""
                for pattern, kind in LINES:
                    if pattern.search(line):
                        self.events.append((time.monotonic(), {"type": kind, "param": line}))
                key = DTMF.search(line)
                if key:
                    self.events.append((time.monotonic(), {"type": "CALL_DTMF_START", "param": key.group(1)}))

    @property
    def uri(self):
        return "sip:%s@127.0.0.1:%d" % (self.user, self.sip_port)

    def command(self, command, params=""):
        """Those of baresip that a story uses."""
        self._say({"dial": "call " + params, "hangup": "terminate", "sndcode": params, "quit": "quit"}[command])

    def seen(self, kind):
        return next((event for _, event in self.events if event.get("type") == kind), None)

    def keys(self):
        return "".join(e["param"] for _, e in self.events if e["type"] == "CALL_DTMF_START")

    def _registered(self):
        self._say("status register")  # at its prompt it may wait for a line and for nothing else
        return self._logged("to [LinphoneRegistrationOk]")

    def _logged(self, text):
        with open(self.log, errors="replace") as f:
            return text in f.read()

    def secured(self):
        return self._logged("Negotiated media encryption is LinphoneMediaEncryptionSRTP")

    def recording(self):
        if not os.path.exists(self.heard):
            raise Failure("linphone recorded nothing")
        return self.heard

    def stop(self):
        try:
            self.command("quit")
        except Failure:
            pass
        self.process.wait(3)
        self.process.stop()
        self.over.set()
        self.reader.join(2)
