#!/usr/bin/python3
"""One real call through watrunk: a WhatsApp user played by aiortc, a SIP phone played by baresip or linphone.

    run_interop.py --watrunk build/dev/watrunk --audiocheck build/dev/audiocheck
        [--story answered|busy|given_up] [--hangup user|sip] [--phone baresip|linphone] [--transport udp|tcp|tls] [--proxy udp|tcp|tls]
        [--codec pcmu|pcma|g722] [--register] [--srtp off|offer|require] [--phone-srtp srtp|srtp-mand]

answered: both speak, both are recorded, and each recording must contain the other's speech; both press keys.
busy: the phone declines. given_up: the user hangs up while the phone rings.
--register: baresip registers at watrunk, and is called where it said.
--proxy: Kamailio in between, over this transport to watrunk; a linphone registers there over --transport.
Afterwards what Meta's side saw, what the phone saw and watrunk's call log must agree. Nothing here is linked with the bridge or shares code with it.
Exit status 0: all well; 1: not, and the folder with the logs is named; 77: a peer is not installed.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import harness
from baresip_pbx import PORTS as BARESIP_PORTS
from baresip_pbx import Baresip
from certificates import Certificates
from harness import Failure, Process, wait_until
from kamailio_proxy import write_config as kamailio_command
from linphone_phone import Linphone

HERE = os.path.dirname(os.path.abspath(__file__))
SPEECH_S = 5
TALK_S = SPEECH_S + 2.5  # a second of silence first, and the keys after it
USER_KEYS, PBX_KEYS, KEYS_S = "47#", "93", SPEECH_S + 0.8
USER = "447700900123"

CONFIG = """\
webhook: {{listen: "127.0.0.1:{webhook}", path: /webhook, verify_token: interop-verify, app_secret: interop-app-secret}}
admin: {{listen: "127.0.0.1:{admin}", token: interop-admin}}
graph: {{base_url: "http://127.0.0.1:{graph}", version: v25.0}}
numbers:
  - {{phone_number_id: "310000000000002", number: "+12025550123", token: interop-token}}
sip:
  listen: ["udp:127.0.0.1:{sip}", "tcp:127.0.0.1:{sip}"{listen_tls}]
  domain: watrunk.test
{tls}{users}media:
  public_address: 127.0.0.1
  bind_address: 127.0.0.1
  webrtc_ports: {wa_min}-{wa_max}
  rtp_ports: {rtp_min}-{rtp_max}
  workers: 1
gateways:
  - {{name: pbx, {where}, codecs: [PCMU, PCMA, G722], srtp: {srtp}}}
dialplan:
  - name: everybody
    match: {{direction: inbound}}
    actions:
      - bridge: {{gateways: [pbx], user: "600", caller_id: "{{from}}", display_name: "{{name}}", timeout: 20}}
store: {{url: "sqlite:{folder}/calls.db"}}
log: {{level: debug, format: text}}
"""


TLS = "  tls: {certificate: %s, key: %s, ca: %s}\n"
DESK, DESK_PASSWORD = "desk1", "interop-desk1-password"
USERS = "  users:\n    - {name: %s, password: %s, register: true}\n"
PROXY_PORTS = 4  # UDP and TCP, TLS two later

STORY_OF_USER = {
    "answered": ["--keys", USER_KEYS, "--keys-after", str(KEYS_S)],
    "busy": ["--unanswered"],
    "given_up": ["--unanswered", "--give-up", "2"],
}


class Call:
    """The three programs of one call, and what became of it."""

    PHONES = 1

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        ports = harness.free_ports(6 + 40 + PROXY_PORTS + self.PHONES * BARESIP_PORTS)
        self.ports = {"sip": ports, "webhook": ports + 1, "admin": ports + 2, "graph": ports + 3, "sip_tls": ports + 4, "wa_min": ports + 6,
                      "wa_max": ports + 25, "rtp_min": ports + 26, "rtp_max": ports + 45, "proxy": ports + 46, "pbx": ports + 46 + PROXY_PORTS}
        self.trunk_transport = args.proxy or args.transport
        self.certificates = Certificates(folder) if "tls" in (args.proxy, args.transport) or args.proxy else None
        self.proxy = None
        self.config = os.path.join(folder, "watrunk.yaml")
        with open(self.config, "w") as f:
            f.write(self.config_text())
        self.user_speech = harness.make_speech(folder, "user", harness.USER_TEXT, "en-us", SPEECH_S)
        self.pbx_speech = harness.make_speech(folder, "business", harness.BUSINESS_TEXT, "en-gb", SPEECH_S)
        self.user_hears = os.path.join(folder, "user-hears.wav")
        self.report = None
        self.ended_by = {"answered": args.hangup, "busy": "sip", "given_up": "user"}.get(args.story)

    def config_text(self):
        """watrunk listens on TLS where there are certificates, and knows as gateway the phone or the proxy."""
        c, tls_port = self.certificates, self.trunk_transport == "tls"
        gateway = self.ports["proxy"] + 2 * tls_port if self.args.proxy else self.ports["pbx"] + tls_port
        where = 'uri: "sip:127.0.0.1:%d;transport=%s"' % (gateway, self.trunk_transport)
        register = self.registers()
        return CONFIG.format(
            folder=self.folder, srtp=self.args.srtp, users=USERS % (DESK, DESK_PASSWORD) if register else "",
            where="registered_as: " + DESK if register else where,
            listen_tls=', "tls:127.0.0.1:%d"' % self.ports["sip_tls"] if c else "", tls=TLS % (c.certificate, c.key, c.ca) if c else "",
            **self.ports)

    def registers(self):
        return getattr(self.args, "register", False)

    def trunk_uri(self):
        """watrunk, for who sends calls to it: without the user part."""
        port = self.ports["sip_tls" if self.trunk_transport == "tls" else "sip"]
        return "127.0.0.1:%d;transport=%s" % (port, self.trunk_transport)

    def start_proxy(self):
        if not self.args.proxy:
            return
        phone = None if self.args.phone == "linphone" else "sip:127.0.0.1:%d;transport=%s" % (self.ports["pbx"], self.args.transport)
        port = self.ports["proxy"]
        self.proxy = Process("kamailio", kamailio_command(self.folder, port, port + 2, "sip:" + self.trunk_uri(), self.certificates, phone),
                             self.folder)
        wait_until(lambda: harness.listens(port + 2) or not self.proxy.running(), 10, "Kamailio's sockets")

    def start_phone(self, play, account="", **more):
        """The phone of the story; it answers by itself unless more says otherwise."""
        more = {"codec": self.args.codec, "srtp": self.args.phone_srtp, "transport": self.args.transport, **more}
        if self.registers():
            more = {"user": DESK, "registrar": (self.ports["sip"], DESK_PASSWORD), **more}
        if self.args.phone == "baresip":
            return Baresip(self.folder, self.ports["pbx"], play, account=account, certificates=self.certificates, **more)
        registrar = None
        if self.proxy:
            registrar = "sip:127.0.0.1:%d;transport=%s" % (self.ports["proxy"] + 2 * (self.args.transport == "tls"), self.args.transport)
        return Linphone(self.folder, self.ports["pbx"], play, ca=self.certificates.ca if self.certificates else "", registrar=registrar, **more)

    def watrunk_command(self, *argv):
        """Run a subcommand to its end; (exit status, output)."""
        done = subprocess.run([self.args.watrunk, argv[0], "-c", self.config, *argv[1:]], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=10)
        return done.returncode, done.stdout.decode(errors="replace")

    def _rate(self):
        return 16000 if self.args.codec == "g722" else 8000

    def check_config(self):
        status, output = self.watrunk_command("check")
        if status:
            raise Failure("watrunk check: exit status %d\n%s" % (status, output))

    def start_watrunk(self):
        self.watrunk = Process("watrunk", [self.args.watrunk, "run", "-c", self.config], self.folder)

    def start(self):
        if self._rate() != 8000:
            harness.convert(os.path.join(self.folder, "business-48k.wav"), os.path.join(self.folder, "business-16k.wav"),
                            self._rate())
        self.check_config()
        self.start_proxy()
        if self.registers():
            self.start_watrunk()
            wait_until(lambda: harness.listens(self.ports["admin"]) or not self.watrunk.running(), 10, "watrunk's sockets")
        self.pbx = self.start_phone(os.path.join(self.folder, "business-%dk.wav" % (self._rate() // 1000)),
                                    answer="auto" if self.args.story == "answered" else "manual")
        if self.registers():
            wait_until(self._registered, 10, "baresip's registration")
        # Meta first: its webhook is tried again until watrunk listens
        self.meta = Process("meta", [
            sys.executable, os.path.join(HERE, "meta_aiortc.py"), "--graph-port", str(self.ports["graph"]),
            "--webhook", "http://127.0.0.1:%d/webhook" % self.ports["webhook"],
            "--play", os.path.join(self.folder, "user-48k.wav"), "--record", self.user_hears, "--user", USER,
            "--hangup", "user" if self.ended_by == "user" else "business", "--talk", str(TALK_S),
            *STORY_OF_USER[self.args.story],
            "--accept-window", "10", "--media-window", "5", "--deadline", "35"], self.folder)
        if not self.registers():
            self.start_watrunk()

    def _registered(self):
        """As watrunk sees it: baresip's own event may be over before it has been asked."""
        if not self.watrunk.running():
            raise Failure("watrunk has ended")
        asked = urllib.request.Request("http://127.0.0.1:%d/v1/registrations" % self.ports["admin"], headers={"Authorization": "Bearer interop-admin"})
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return [r for r in json.load(answer)["registrations"] if r["contact"].startswith("sip:%s" % DESK)]

    def _phone_saw(self, kind):
        if not self.watrunk.running():
            raise Failure("watrunk has ended")
        return self.pbx.seen(kind) or not self.meta.running()

    def _phone_acts(self):
        if self.args.story != "answered":
            wait_until(lambda: self._phone_saw("CALL_INCOMING"), 15, "the phone rings")
            if self.args.story == "busy":
                self.pbx.command("hangup")
            return
        wait_until(lambda: self._phone_saw("CALL_ESTABLISHED"), 15, "the phone is called and answers")
        if self.meta.running():
            time.sleep(KEYS_S)
            for key in PBX_KEYS:
                self.pbx.command("sndcode", key)
                time.sleep(0.3)
        if self.args.hangup == "sip":
            time.sleep(TALK_S - KEYS_S - 0.3 * len(PBX_KEYS))
            self.pbx.command("hangup")

    def run(self):
        self._phone_acts()
        self.read_report()
        if self.pbx.events:
            wait_until(lambda: self.pbx.seen("CALL_CLOSED"), 5, "the phone's call is closed")
        self.pbx.stop()

    def read_report(self):
        status = self.meta.wait(TALK_S + 30)
        if status is None:
            raise Failure("Meta's side does not end")
        try:
            with open(self.meta.stdout_path) as f:
                self.report = json.load(f)
        except ValueError:
            raise Failure("no report from Meta's side")

    def stop_watrunk(self):
        status = self.watrunk.stop(grace_s=10)
        return "exit status %s" % status if status != 0 else ""

    def checks(self):
        return SIGNALLING_CHECKS + (MEDIA_CHECKS if self.args.story == "answered" else ()) + LAST_CHECKS


# ---- what must be true afterwards: each check returns "" or what is wrong ----


def check_rules(call):
    return "; ".join(call.report["violations"])


def check_verbs(call):
    verbs = [v["action"] for v in call.report["verbs"]]
    wanted = ["pre_accept"] + (["accept"] if call.args.story == "answered" else [])
    wanted += ["terminate"] if call.ended_by == "sip" else []  # not once the user has ended it
    return "" if verbs == wanted else "%r, expected %r" % (verbs, wanted)


def check_ended_by(call):
    wanted = "user" if call.ended_by == "user" else "business"
    return "" if call.report["ended_by"] == wanted else "ended by %r" % call.report["ended_by"]


def check_webhook_speed(call):
    slow = [w for w in call.report["webhooks"] if w["took_ms"] > 250]
    return "slower than 250 ms: %r" % slow if slow else ""


def check_stream(call):
    heard = call.report["heard"]
    expected = TALK_S * 50
    if heard["packets"] < 0.9 * expected or heard["lost"] or heard["longest_gap_ms"] > 200:
        return "%d packets (about %d expected), %d lost, longest gap %d ms" % (
            heard["packets"], expected, heard["lost"], heard["longest_gap_ms"])
    return ""


def audiocheck(call, reference, recording):
    done = subprocess.run([call.args.audiocheck, "--json", reference, recording], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30)
    text = " ".join(done.stdout.decode(errors="replace").split())
    narrow = os.path.join(call.folder, os.path.basename(recording) + "-8k.wav")
    harness.convert(recording, narrow, 8000)
    rhythm = harness.same_rhythm(reference, narrow)
    print("      %s, rhythm %.2f" % (text, rhythm))
    if done.returncode:
        return "audiocheck: " + text
    return "" if rhythm > 0.75 else "the loudness runs differently: %.2f" % rhythm


def check_user_hears(call):
    return audiocheck(call, call.pbx_speech, call.user_hears)


def check_phone_hears(call):
    return audiocheck(call, call.user_speech, call.pbx.recording())


def check_keys(call):
    keys = call.pbx.keys()
    return "" if keys == USER_KEYS else "the phone saw %r, pressed were %r" % (keys, USER_KEYS)


def check_keys_to_user(call):
    keys = call.report["heard"]["keys"]
    return "" if keys == PBX_KEYS else "WhatsApp saw %r, pressed were %r" % (keys, PBX_KEYS)


def check_codec(call):
    if call.args.phone != "baresip":
        return ""  # watrunk's record tells
    with open(call.pbx.process.stdout_path) as f:
        line = "Set audio encoder: %s %dHz 1ch" % (call.args.codec.upper(), call._rate())
        return "" if line in f.read() else "baresip has no %r" % line


def check_srtp(call):
    """Nothing is told of keys in the log; the phone tells of SRTP."""
    secured = call.pbx.secured()
    if secured != bool(call.args.phone_srtp):
        return "the phone %s SRTP" % ("has" if secured else "has no")
    with open(call.watrunk.stdout_path) as f:
        return "a key is in the log" if "inline:" in f.read() else ""


def the_record(call):
    """The one call of the call log."""
    status, output = call.watrunk_command("calls", "--history", "--json")
    if status:
        raise Failure("exit status %d: %s" % (status, output))
    records = json.loads(output)
    if len(records) != 1:
        raise Failure("%d records, expected one" % len(records))
    with open(os.path.join(call.folder, "record.json"), "w") as f:
        json.dump(records[0], f, indent=1)
    return records[0]


def differences(record, wanted):
    return ["%s is %r, expected %r" % (k, record.get(k), v) for k, v in wanted.items() if record.get(k) != v]


def check_call_log(call):
    r = the_record(call)
    status, cause = {"answered": ("completed", "normal"), "busy": ("rejected", "busy"),
                     "given_up": ("cancelled", "cancelled")}[call.args.story]
    wanted = {"status": status, "cause": cause, "direction": "inbound", "wacid": call.report["wacid"], "gateway": "pbx",
              "rule": "everybody", "number": "+12025550123", "user_number": "+" + USER, "user_name": "Ana Example",
              "payload": "order-77", "ended_by": call.ended_by}
    return "; ".join(differences(r, wanted) + (check_logged_media(call, r) if call.args.story == "answered" else []))


def check_logged_media(call, r):
    wrong = []
    if call.args.codec.upper() not in str(r.get("sip_codec")).upper():
        wrong.append("sip_codec is %r" % r.get("sip_codec"))
    if not TALK_S - 1 < r["duration_ms"] / 1000 < TALK_S + 3:
        wrong.append("duration_ms is %r" % r["duration_ms"])
    for side in ("wa_rx", "sip_rx"):
        if (r[side].get("packets") or 0) < 0.9 * TALK_S * 50:
            wrong.append("%s.packets is %r" % (side, r[side].get("packets")))
    return wrong


def check_stops(call):
    return call.stop_watrunk()


SIGNALLING_CHECKS = (
    ("Meta's rules were kept", check_rules),
    ("verbs to Meta", check_verbs),
    ("who ended the call", check_ended_by),
    ("webhooks answered in time", check_webhook_speed),
)
MEDIA_CHECKS = (
    ("stream to WhatsApp whole", check_stream),
    ("the WhatsApp user heard the business", check_user_hears),
    ("the phone heard the WhatsApp user", check_phone_hears),
    ("the phone saw the user's keys", check_keys),
    ("WhatsApp saw the phone's keys", check_keys_to_user),
    ("codec on the phone's side", check_codec),
    ("SRTP with the phone", check_srtp),
)
LAST_CHECKS = (
    ("watrunk stops on SIGTERM", check_stops),
    ("call log", check_call_log),
)


def times(report):
    return ", ".join("%s %d" % (e["event"], e["t_ms"]) for e in report["events"])


def run_checks(call):
    wrong = []
    print("   times in ms: " + times(call.report))
    for title, check in call.checks():
        try:
            fault = check(call)
        except Exception as e:  # a check that cannot be made has failed; the others still say something
            fault = "%s: %s" % (type(e).__name__, e)
        print("   %-4s %s%s" % ("FAIL" if fault else "ok", title, ": " + fault if fault else ""))
        if fault:
            wrong.append(title)
    return wrong


def show_logs(call):
    """The last lines of each program. What Meta's side printed is long, and its times and violations stand above."""
    if call and hasattr(call, "pbx"):
        print(call.pbx.process.tail())
    if call and hasattr(call, "meta"):
        print(call.meta.tail(0 if call.report else 25))
    if call and hasattr(call, "watrunk"):
        print(call.watrunk.tail(40))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--watrunk", required=True, help="the program")
    p.add_argument("--audiocheck", required=True, help="tells whether a recording contains a speech")
    p.add_argument("--story", choices=tuple(STORY_OF_USER), default="answered", help="what becomes of the call")
    p.add_argument("--hangup", choices=("user", "sip"), default="user", help="which side ends the call")
    p.add_argument("--codec", choices=("pcmu", "pcma", "g722"), default="pcmu", help="the only one the phone takes")
    p.add_argument("--register", action="store_true", help="baresip registers, over UDP or TCP")
    add_phone_arguments(p)
    args = p.parse_args()
    story = "%s, %s hangs up" % (args.codec, args.hangup) if args.story == "answered" else args.story
    return tell(Call, args, "aiortc -> watrunk -> %s: %s" % (way(args), story))


def add_phone_arguments(p):
    p.add_argument("--phone", choices=("baresip", "linphone"), default="baresip")
    p.add_argument("--transport", choices=("udp", "tcp", "tls"), default="udp", help="of the phone")
    p.add_argument("--proxy", choices=("udp", "tcp", "tls"), help="Kamailio in between, over this toward watrunk")
    p.add_argument("--srtp", choices=("off", "offer", "require"), default="off", help="watrunk's policy")
    p.add_argument("--phone-srtp", choices=("srtp", "srtp-mand"), help="the phone's; without: plain RTP")
    p.add_argument("--keep", action="store_true", help="keep the folder with logs and recordings")


def way(args):
    """The phone as a title tells it."""
    proxy = "Kamailio (%s) -> " % args.proxy if args.proxy else ""
    return proxy + "%s (%s%s)" % (args.phone, args.transport, ", SRTP" if args.phone_srtp else "")


def tell(kind, args, title):
    """One story with one kind of Call; the exit status."""
    args.watrunk, args.audiocheck = os.path.abspath(args.watrunk), os.path.abspath(args.audiocheck)

    missing = harness.missing_peers(*(["linphonec"] if args.phone == "linphone" else []), *(["kamailio"] if args.proxy else []))
    if missing:
        harness.skip_or_fail(missing)
    harness.stop_everything_at_exit()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("FAILED: not over within 60 s"))
    signal.alarm(60)
    folder = tempfile.mkdtemp(prefix="watrunk-interop-")
    print(title)
    call, wrong = None, []
    try:
        call = kind(args, folder)
        call.start()
        call.run()
        wrong = run_checks(call)
    except Failure as e:
        wrong = [str(e)]
    harness.stop_everything()
    if wrong:
        show_logs(call)
        print("FAILED: %s\nlogs: %s" % ("; ".join(wrong), folder))
        return 1
    if args.keep:
        print("logs: " + folder)
    else:
        shutil.rmtree(folder)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
