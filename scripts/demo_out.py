"""The demos of the way out: a SIP phone dials a WhatsApp user, a text becomes a call, a live call moves to another phone."""
import glob
import json
import os
import pathlib
import shlex
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

from demo_rig import Rig, seconds, speech, start

USER, OTHER_USER, LATE_USER = "+447700900123", "+447700900124", "+447700900125"     # the other two have not allowed calls
DESK_SAYS = ("Hello, this is the workshop. My colleague told me about the broken lamp. "
             "I have packed a new one, and the parcel service will collect it this afternoon.")


class Phone:
    """The control port of a baresip: netstrings of JSON, and its events with the time they came."""

    def __init__(self, port):
        self.events = []
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.settimeout(None)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        data = b""
        while more := self.socket.recv(65536):
            data += more
            while b":" in data:
                length, _, rest = data.partition(b":")
                size = int(length)
                if len(rest) < size + 1:
                    break
                message, data = json.loads(rest[:size]), rest[size + 1:]
                if message.get("event"):
                    self.events.append((time.monotonic_ns() // 1000, message))

    def command(self, command, params=""):
        text = json.dumps({"command": command, "params": params, "token": "1"}).encode()
        self.socket.sendall(b"%d:%s," % (len(text), text))

    def seen(self, kind, count=1):
        return sum(1 for _, e in self.events if e.get("type") == kind) >= count


class WayOut(Rig):
    repeats = 100   # --stay: calls by hand may last

    def __init__(self, args):
        super().__init__(args)
        self.desk, self.desk_control = self.ports.one(), self.ports.one()
        self.phones, self.desk_wav, self.sim = {}, None, None
        self.recordings = self.out / "recordings"
        self.recordings.mkdir()

    # ---- the programs ----

    def write_config(self):
        config = super().write_config()
        text = config.read_text()
        text = text.replace('domain: "127.0.0.1"}', 'domain: "127.0.0.1", users: [{name: desk1, password: "demo-sip-password"}]}')
        text = text.replace("dialplan:\n", f"""\
  - {{name: desk, uri: "sip:127.0.0.1:{self.desk};transport=udp", codecs: [PCMU, PCMA]}}
messages: {{context_texts: 3}}
transfer: {{tel_gateway: desk}}
recording: {{directory: "{self.recordings}"}}
media_fork: {{allow: [127.0.0.1]}}
dialplan:
  - name: out
    match: {{direction: outbound, to: "^\\\\+44"}}
    actions: [{{whatsapp: {{number: "+12025550123", timeout: 45, on_no_permission: request, park: 600, request_text: "May we call you about your order?"}}}}]
  - name: call-me
    match: {{direction: message, keywords: ["call me", falar, ligar, urgente]}}
    actions:
      - send_text: {{text: "Thank you, {{name}}. We call you in a moment."}}
      - call_back: {{gateways: [pbx], user: "600", order: agent_first, chat_context: true, on_no_permission: request, park: 600, request_text: "May we call you?"}}
  - name: sorry
    match: {{direction: ended, status: missed, call: inbound}}
    actions: [{{call_button: {{text: "Sorry that we missed you.", button: "Call us again", payload: "missed-{{call_id}}"}}}}]
""")
        config.write_text(text)
        return config

    def heard_folder(self, name):
        folder = self.out / f"{name}-heard"
        folder.mkdir(exist_ok=True)
        return folder

    def start_all(self):
        self.prepare_speech()
        self.start_pbx()
        speech(DESK_SAYS, self.out / "desk-once.wav", 8000)
        self.desk_wav = self.repeated("desk-once.wav", "desk-says.wav")
        self.start_phone("desk", "700", self.desk, self.desk_control, self.desk_wav)
        self.phones = {"agent": Phone(self.control), "desk": Phone(self.desk_control)}
        self.start_metasim()
        self.start_watrunk()
        self.write_environment()

    def start_metasim(self):
        permission = "none" if self.args.no_permission else "permanent"
        asked = {"on_request": "accept", "reply_after_ms": 1500}
        plan = {"serve": True, "users": [
            {"number": USER[1:], "user_id": "GB.1000200030004000500", "name": "Ana Example", "permission": permission, "window_open": True,
             "answer_after_ms": 1200, **asked},
            {"number": OTHER_USER[1:], "name": "Sam Example", "window_open": True, **asked},
            {"number": LATE_USER[1:], "name": "Kim Example", "window_open": True, "on_request": "accept", "reply_after_ms": 5000}],
            "templates": [{"name": "missed_call", "parameters": 1}, {"name": "may_we_call", "permission_request": True}]}
        (self.out / "plan.json").write_text(json.dumps(plan, indent=2) + "\n")
        self.sim = start(self.metasim("--plan", self.out / "plan.json", "--hear", self.out / "user-heard-%d.wav", "--limit", "86400"),
                         self.out / "metasim.log")

        def listens():
            socket.create_connection(("127.0.0.1", self.graph), 1).close()
            return True
        self.wait_for(listens, "metasim's Graph API")

    def metasim_lines(self):
        lines = []
        for line in (self.out / "metasim.log").read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:      # not yet whole
                continue
        return lines

    def sim_event(self, name):
        return lambda: any(e.get("event") == name for e in self.metasim_lines())

    def act(self, **step):
        """The user does something now: text, call, hang_up ..."""
        body = json.dumps({"user": USER[1:], **step}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.graph}/metasim/steps", body), timeout=10).close()

    def api(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}{path}", None if body is None else json.dumps(body).encode(),
                                         {"Authorization": "Bearer demo-admin-token", "Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as r:
                return json.loads(r.read())
        except urllib.error.HTTPError as e:
            sys.exit(f"demo: {method} {path} was answered {e.code}: {e.read().decode(errors='replace')}")

    # ---- the stories ----

    def outbound(self):
        self.tell(f"A SIP phone dials the WhatsApp user {USER}; he answers, both talk for {self.talk_s():.0f} s, he hangs up ...")
        self.phones["agent"].command("dial", f"sip:{USER}@127.0.0.1:{self.sip}")
        if self.args.no_permission:
            self.tell("... but he has not allowed calls: he is asked, the call is parked, and made when he agrees ...")
        self.talk_and_hang_up()
        return self.heard([("user", "agent-once.wav", self.user_heard()), ("agent", "user-says.wav", self.phone_heard("baresip"))])

    def escalate(self):
        self.tell("A WhatsApp user writes \"Please call me!\" and gets an answer; the agent's phone rings, then his ...")
        self.act(text="Please call me!")
        if self.args.no_permission:
            self.tell("... but he has not allowed calls: he is asked, the call is parked, and made when he agrees ...")
        self.talk_and_hang_up()
        return self.heard([("user", "agent-once.wav", self.user_heard()), ("agent", "user-says.wav", self.phone_heard("baresip"))])

    def transfer(self):
        self.tell("A WhatsApp user calls, the agent answers, and after a while the call is moved to another phone ...")
        self.act(call=True)
        self.wait_for(self.sim_event("audio_heard"), "the user to hear the agent", 60)
        time.sleep(self.talk_s())
        live, = self.api("GET", "/v1/calls")["calls"]
        self.api("POST", f"/v1/calls/{live['id']}/transfer", {"gateway": "desk", "user": "700"})
        self.wait_for(lambda: self.phones["desk"].seen("CALL_ESTABLISHED"), "the other phone to answer", 60)
        self.wait_for(lambda: self.phones["agent"].seen("CALL_CLOSED"), "the agent's call to end", 60)
        self.talk_and_hang_up()
        return self.heard([("user", "agent-once.wav", self.user_heard()), ("user", "desk-once.wav", self.user_heard()),
                           ("agent", "user-says.wav", self.phone_heard("baresip")), ("desk", "user-says.wav", self.phone_heard("desk"))])

    def talk_s(self):
        return seconds(self.user_wav) + 3.0

    def talk_and_hang_up(self):
        self.wait_for(self.sim_event("audio_heard"), "the user to hear the agent", 90)
        time.sleep(self.talk_s())
        self.act(hang_up=True)
        self.wait_for(self.sim_event("ended"), "the end of the call", 60)
        self.wait_for(lambda: any(r["answered_ms"] for r in self.records()), "the call record")
        for name, phone in self.phones.items():
            if phone.seen("CALL_ESTABLISHED"):
                self.wait_for(lambda phone=phone: phone.seen("CALL_CLOSED"), f"the phone {name} to hang up")

    def user_heard(self):
        """metasim writes it when the last webhook of the call is dealt with."""
        def written():
            found = [f for f in glob.glob(str(self.out / "user-heard-*.wav")) if os.path.getsize(f) > 1000]
            return found and self.file_is_whole(found[-1])
        self.wait_for(written, "what the user heard", 30)
        return max(glob.glob(str(self.out / "user-heard-*.wav")), key=os.path.getsize)

    @staticmethod
    def file_is_whole(path):
        before = os.path.getsize(path)
        time.sleep(0.1)
        return os.path.getsize(path) == before

    def phone_heard(self, name):
        found = glob.glob(str(self.heard_folder(name) / "dump-*-dec.wav"))
        return max(found, key=os.path.getsize) if found else "(nothing)"

    def heard(self, questions):
        return [{"who": who, "reference": reference, **self.check_heard(self.out / reference, heard)} for who, reference, heard in questions]

    # ---- what happened ----

    def timeline(self):
        events = []
        for line in (self.out / "watrunk.log").read_text(errors="replace").splitlines():
            try:
                e = json.loads(line)
            except ValueError:
                continue
            if "t_us" in e:
                detail = " ".join(f"{k}={e[k]}" for k in ("call", "verb", "code", "leg", "gateway", "rule", "status", "cause") if e.get(k))
                events.append((int(e["t_us"]), "watrunk", e["event"], detail))
        events += [(e["t_us"], "metasim", e["event"], e["detail"]) for e in self.metasim_lines() if "t_us" in e and "event" in e]
        for name, phone in self.phones.items():
            events += [(t, name, e["type"].lower(), e.get("param", "")) for t, e in phone.events
                       if e.get("type", "").startswith("CALL_") and e["type"] not in ("CALL_RTCP", "CALL_LOCAL_SDP", "CALL_REMOTE_SDP")]
        events.sort(key=lambda e: e[0])
        zero = events[0][0] if events else 0
        return [{"ms": round((t - zero) / 1000, 3), "who": who, "event": name, "detail": detail} for t, who, name, detail in events]

    def run(self):
        self.start_all()
        heard = getattr(self, self.args.mode)()
        records = self.records()
        violations = [] if self.args.stay else self.violations()
        record = next(r for r in records if r["answered_ms"])
        return {"mode": self.args.mode, "timeline": self.timeline(), "heard": heard, "violations": violations, "record": record, "records": records,
                "ok": all(h["heard"] for h in heard) and not violations and record["status"] == "completed"}

    def violations(self):
        """Of metasim's report, which comes when it ends."""
        self.sim.send_signal(signal.SIGTERM)
        self.sim.wait(30)
        report = next((e for e in self.metasim_lines() if "calls" in e), None)
        return ["metasim made no report"] if report is None else [v for c in report["calls"] for v in c["violations"]]

    def show(self, r):
        print("\n        ms  who      what")
        for e in r["timeline"]:
            print(f"{e['ms']:10.1f}  {e['who']:8} {e['event']:22} {e['detail']}")
        print()
        for rec in reversed(r["records"]):
            talked = f", {rec['duration_ms'] / 1000:.1f} s, {rec['wa_codec']} <-> {rec['sip_codec']}" if rec["answered_ms"] else ""
            print(f"call {rec['id']}: {rec['direction']}, {rec['status']} ({rec['cause']}){talked}, rule {rec['rule']}, gateway {rec['gateway']}")
        for side, key in (("WhatsApp -> SIP", "wa_rx"), ("SIP -> WhatsApp", "sip_rx")):
            q = r["record"][key]
            print(f"  {side}: {q['packets']} packets, {q['lost']} lost, jitter {q['jitter_ms'] or 0:.1f} ms, MOS {q['mos'] or 0:.2f}")
        print()
        for h in r["heard"]:
            print(f"{h['who']} heard {h['reference']}: {'yes' if h['heard'] else 'NO'} (score {h.get('score', 0):.2f})  {h['file']}")
        for v in r["violations"]:
            print(f"VIOLATION: {v}")
        print("\nOK" if r["ok"] else f"\nFAILED; logs are in {self.out}")

    # ---- by hand ----

    def write_environment(self):
        (self.out / "env.sh").write_text(f"""\
# For the commands of docs/calling-out.md, permission.md, escalation.md, transfer.md, recording.md, api.md and events.md: `. {self.args.out}/env.sh`
export WATRUNK_ADMIN_TOKEN=demo-admin-token
W=http://127.0.0.1:{self.admin}
META=http://127.0.0.1:{self.graph}
DESK=127.0.0.1:{self.desk}
OUT={shlex.quote(str(self.out))}
watrunk() {{ {shlex.quote(str(self.bin / 'watrunk'))} "$@" -c "$OUT/watrunk.yaml"; }}
api() {{ curl -sS -H "Authorization: Bearer $WATRUNK_ADMIN_TOKEN" -H "Content-Type: application/json" "$@"; echo; }}
user_does() {{ curl -sS -d "$1" "$META/metasim/steps"; }}
live_call() {{ demo_helper live_call; }}                # waits for the call that is up, and prints its id
wait_idle() {{ demo_helper wait_idle; }}                # waits until no call is left
phone_dials() {{ demo_helper phone_dials "$1"; }}       # the agent's telephone dials a WhatsApp user
demo_helper() {{ /usr/bin/python3 {shlex.quote(str(pathlib.Path(__file__).parent / 'demo_helper.py'))} {self.admin} {self.control} {self.sip} "$@"; }}
""")

    def stay(self):
        print(f"""
Everything is still running (logs in {self.out}). In another shell:

  . {self.out}/env.sh
  watrunk call {USER} --gateway pbx --user 600                        # agent first, then the user
  api -X POST $W/v1/calls -d '{{"to": "{USER}", "gateway": "pbx", "user": "600"}}'     # the same
  watrunk calls                                                                 # calls that are up
  watrunk transfer "$(live_call)" --gateway desk --user 700
  watrunk hold "$(live_call)"; watrunk resume "$(live_call)"; watrunk hangup "$(live_call)"
  watrunk call {OTHER_USER} --gateway pbx --user 600 --request           # he has not allowed calls: he is asked
  watrunk permissions list; watrunk parked list
  user_does '{{"user": "{USER[1:]}", "text": "please call me"}}'                # what a user writes
  user_does '{{"user": "{USER[1:]}", "hang_up": true}}'
  watrunk calls --history
  curl -N -H "Authorization: Bearer $WATRUNK_ADMIN_TOKEN" $W/v1/events            # events as they happen

Ctrl-C ends it.""", file=sys.stderr if self.args.json else sys.stdout, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
