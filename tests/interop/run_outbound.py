#!/usr/bin/python3
"""One real call through watrunk to a WhatsApp user played by aiortc, dialled by baresip or linphone.

    run_outbound.py --watrunk build/dev/watrunk --audiocheck build/dev/audiocheck
        [--story answered|declined|cancelled|hold|transfer] [--hangup user|sip] [--setup passive|active] [--digest]
        [--phone baresip|linphone] [--transport udp|tcp|tls] [--proxy udp|tcp|tls] [--srtp off|offer|require] [--phone-srtp srtp|srtp-mand]

answered: both speak and press keys, and each must be heard by the other. declined: by the user. cancelled: the phone gives
up while the user's rings. hold: the phone holds the user for a while. transfer: the phone sends the user on to a second one, which speaks another
text.
--setup: of Meta's answer; active makes watrunk the DTLS server. --digest: the phone proves a password.
Exit status as that of run_interop.py.
"""

import argparse
import os
import re
import sys
import time

import harness
from baresip_pbx import PORTS as BARESIP_PORTS
from baresip_pbx import Baresip
from harness import Failure, Process, wait_until
from run_interop import (
    HERE, KEYS_S, LAST_CHECKS, MEDIA_CHECKS, PBX_KEYS, SPEECH_S, TALK_S, USER, USER_KEYS, Call, add_phone_arguments, audiocheck, check_ended_by,
    check_logged_media, check_phone_hears, check_rules, check_user_hears, check_webhook_speed, differences, tell,
    the_record, way)

DESK_TEXT = "This is the second desk, you are speaking with the workshop. Bicycles are mended."
PASSWORD = "correct-horse-battery"
OUTBOUND = """\
  - name: out
    match: {direction: outbound, to: "^\\\\+44"}
    actions:
      - whatsapp: {number: "+12025550123", timeout: 25}
"""


class OutboundCall(Call):
    PHONES = 2

    def __init__(self, args, folder):
        super().__init__(args, folder)
        self.ended_by = {"answered": args.hangup, "declined": "user", "cancelled": "sip"}.get(args.story, "sip")
        self.ringing_s = 15 if args.story == "cancelled" else 0.5
        self.desk = None
        if args.story == "transfer":
            self.desk_speech = harness.make_speech(folder, "desk", DESK_TEXT, "en-gb-scotland", SPEECH_S)

    def config_text(self):
        self.ports["desk"] = self.ports["pbx"] + BARESIP_PORTS
        text = super().config_text().replace("dialplan:\n", "dialplan:\n" + OUTBOUND)
        desk = '  - {name: desk, uri: "sip:127.0.0.1:%d;transport=udp", codecs: [PCMU, PCMA]}\n' % self.ports["desk"]
        text = text.replace("dialplan:\n", desk + "dialplan:\n", 1)
        if self.args.digest:  # or it would be known by its address
            text = re.sub(r"(codecs: \[[A-Z0-9, ]*\][^}\n]*)}", r"\1, inbound: false}", text)
            text = text.replace("  domain: watrunk.test\n", "  domain: watrunk.test\n  users: [{name: desk1, password: %s}]\n" % PASSWORD)
        return text

    def start(self):
        self.check_config()
        user = ["--decline"] if self.args.story == "declined" else []
        user += ["--keys", USER_KEYS, "--keys-after", str(KEYS_S)] if self.args.story == "answered" else []
        user += ["--keys", USER_KEYS, "--keys-after", str(KEYS_S + TALK_S / 2)] if self.args.story == "transfer" else []
        user += ["--unanswered"] if self.args.story in ("declined", "cancelled") else []
        self.start_watrunk()
        self.meta = Process("meta", [
            sys.executable, os.path.join(HERE, "meta_called.py"), "--graph-port", str(self.ports["graph"]),
            "--webhook", "http://127.0.0.1:%d/webhook" % self.ports["webhook"],
            "--play", os.path.join(self.folder, "user-48k.wav"), "--record", self.user_hears, "--user", USER,
            "--hangup", "user" if self.ended_by == "user" else "business",
            "--talk", str(2 * TALK_S if self.args.story == "transfer" else TALK_S), "--setup", self.args.setup, "--ring", str(self.ringing_s),
            *user, "--accept-window", "20", "--media-window", "5", "--deadline", "70"], self.folder)
        self.start_proxy()
        account = ';outbound="sip:%s"' % ("127.0.0.1:%d" % self.ports["proxy"] if self.proxy else self.trunk_uri())
        if self.args.digest:
            account += ";auth_user=desk1;auth_pass=" + PASSWORD
        self.pbx = self.start_phone(os.path.join(self.folder, "business-8k.wav"), account=account)
        if self.args.story == "transfer":
            self.desk = Baresip(self.folder, self.ports["desk"], os.path.join(self.folder, "desk-8k.wav"), codec=self.args.codec, user="700")

    # ---- the story ----

    def _everybody_lives(self):
        for p in (self.watrunk, self.meta, self.pbx.process):
            if not p.running() and not (p is self.meta and self.pbx.seen("CALL_CLOSED")):
                raise Failure(p.name + " has ended")

    def _phone_sees(self, phone, kind, seconds=15):
        def question():
            event = phone.seen(kind)
            if not event:
                self._everybody_lives()
            return event
        return wait_until(question, seconds, "%s at %s" % (kind, phone.uri))

    def _dial(self):
        def ready():
            self._everybody_lives()
            return "event=ready" in self._log() and harness.listens(self.ports["graph"])
        wait_until(ready, 15, "watrunk and Meta are ready")
        # a linphone that has not registered has no outbound proxy
        host = self.trunk_uri() if self.args.phone == "linphone" and not self.proxy else "watrunk.test"
        self.pbx.command("dial", "sip:+%s@%s" % (USER, host))
        self._phone_sees(self.pbx, "CALL_RINGING")

    def _talk(self):
        self._phone_sees(self.pbx, "CALL_ESTABLISHED")
        began = time.monotonic()
        time.sleep(KEYS_S)
        for key in PBX_KEYS if self.args.story == "answered" else "":
            self.pbx.command("sndcode", key)
            time.sleep(0.3)
        if self.args.story == "hold":
            for count, command in enumerate(("hold", "resume"), 1):
                self.pbx.command(command)
                wait_until(lambda n=count: self._log().count("event=sip_offer") == n, 5, "the re-INVITE of " + command)
                time.sleep(0.5)
        if self.desk:
            self.pbx.command("transfer", self.desk.uri)
            self._phone_sees(self.desk, "CALL_ESTABLISHED")
            self._phone_sees(self.pbx, "CALL_CLOSED")
            time.sleep(TALK_S)
            self.desk.command("hangup")
        elif self.ended_by == "sip":
            time.sleep(max(0.0, began + TALK_S - time.monotonic()))
            self.pbx.command("hangup")

    def _log(self):
        with open(self.watrunk.stderr_path) as err, open(self.watrunk.stdout_path) as out:
            return err.read() + out.read()

    def run(self):
        self._dial()
        if self.args.story == "cancelled":
            self.pbx.command("hangup")
        elif self.args.story != "declined":
            self._talk()
        self.closed = self._phone_sees(self.pbx, "CALL_CLOSED", TALK_S + 15)
        self.read_report()
        if self.desk:
            self._phone_sees(self.desk, "CALL_CLOSED")
            self.desk.stop()
        self.pbx.stop()

    def checks(self):
        media = {"answered": MEDIA_CHECKS, "hold": STAYS_CHECKS, "transfer": STAYS_CHECKS + TRANSFER_CHECKS,
                 "declined": (("the phone was told", check_told),)}
        return SIGNALLING_CHECKS + media.get(self.args.story, ()) + LAST


# ---- what must be true afterwards ----


def check_verbs(call):
    verbs = [v["action"] for v in call.report["verbs"]]
    wanted = ["connect"] + (["terminate"] if call.ended_by == "sip" else [])
    return "" if verbs == wanted else "%r, expected %r" % (verbs, wanted)


def check_told(call):
    return "" if call.closed.get("param", "").startswith("603") else "%r, expected 603" % call.closed.get("param")


def check_one_stream(call):
    heard = call.report["heard"]
    if len(heard["ssrcs"]) != 1 or heard["lost"] or heard["reordered"] or heard["longest_gap_ms"] > 200:
        return "SSRCs %r, %d lost, %d reordered, longest gap %d ms" % (
            heard["ssrcs"], heard["lost"], heard["reordered"], heard["longest_gap_ms"])
    return ""


def check_user_hears_desk(call):
    return audiocheck(call, call.desk_speech, call.user_hears)


def check_keys_at_desk(call):
    keys = call.pbx.keys(), call.desk.keys()
    return "" if keys == ("", USER_KEYS) else "the phones saw %r, pressed were %r at the second" % (keys, USER_KEYS)


def check_call_log(call):
    status, cause = {"declined": ("rejected", "user_declined"), "cancelled": ("cancelled", "cancelled")}.get(
        call.args.story, ("completed", "normal"))
    record = the_record(call)
    gateway = None if call.args.digest else "desk" if call.desk else "pbx"
    wrong = differences(record, {
        "status": status, "cause": cause, "direction": "outbound", "wacid": call.report["wacid"], "rule": "out",
        "number": "+12025550123", "user_number": "+" + USER, "ended_by": call.ended_by, "gateway": gateway})
    return "; ".join(wrong + (check_logged_media(call, record) if call.args.story == "answered" else []))


SIGNALLING_CHECKS = (
    ("Meta's rules were kept", check_rules),
    ("verbs to Meta", check_verbs),
    ("who ended the call", check_ended_by),
    ("webhooks answered in time", check_webhook_speed),
)
STAYS_CHECKS = (
    ("one stream to WhatsApp, without a gap", check_one_stream),
    ("the WhatsApp user heard the phone", check_user_hears),
    ("the phone heard the WhatsApp user", check_phone_hears),
)
TRANSFER_CHECKS = (
    ("the WhatsApp user heard the second phone", check_user_hears_desk),
    ("the second phone saw the user's keys", check_keys_at_desk),
)
LAST = (LAST_CHECKS[0], ("call log", check_call_log))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--watrunk", required=True, help="the program")
    p.add_argument("--audiocheck", required=True, help="tells whether a recording contains a speech")
    p.add_argument("--story", choices=("answered", "declined", "cancelled", "hold", "transfer"), default="answered")
    p.add_argument("--hangup", choices=("user", "sip"), default="user", help="which side ends the call")
    p.add_argument("--setup", choices=("passive", "active"), default="passive", help="of Meta's answer")
    p.add_argument("--codec", choices=("pcmu", "pcma"), default="pcmu", help="the only one the phone offers")
    p.add_argument("--digest", action="store_true", help="the phone proves a password")
    add_phone_arguments(p)
    args = p.parse_args()
    title = "%s, Meta %s%s" % (args.story, args.setup, ", with a password" if args.digest else "")
    return tell(OutboundCall, args, "%s -> watrunk -> aiortc: %s" % (way(args), title))


if __name__ == "__main__":
    sys.exit(main())
