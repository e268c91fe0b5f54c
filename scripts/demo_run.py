#!/usr/bin/python3
"""The demo itself: starts watrunk, metasim and baresip on loopback, places calls, shows what happened. Run by scripts/demo."""
import argparse
import atexit
import glob
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

USER_SAYS = ("Hello, this is a customer calling from WhatsApp. I ordered two lamps last week, and one of them arrived broken. "
             "The order number is seven, three, nine, one. Could somebody please tell me how I can get a new one?")
AGENT_SAYS = ("Good morning, thank you for calling. You have reached the service desk. I am sorry to hear about the lamp. "
              "We will send you a replacement today, and it should be with you before the end of the week.")
processes = []


def stop_all():
    for p in reversed(processes):
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 15
    for p in reversed(processes):
        try:
            p.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    processes.clear()


def start(args, log):
    p = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=open(log, "w"), stderr=subprocess.STDOUT)
    processes.append(p)
    return p


def free_port():
    for _ in range(200):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if port > 64000:
            continue
        try:
            for k in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                for p in (port, port + 1):
                    with socket.socket(socket.AF_INET, k) as s:
                        s.bind(("127.0.0.1", p))
            return port
        except OSError:
            continue
    sys.exit("demo: no free ports on 127.0.0.1")


def speech(text, path, rate):
    raw = str(path) + ".raw.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "-w", raw, text], check=True)
    subprocess.run(["sox", "-R", raw, "-c", "1", "-b", "16", "-r", str(rate), path, "norm", "-6", "pad", "0.3", "0.5"], check=True)
    os.unlink(raw)


def seconds(path):
    return float(subprocess.run(["soxi", "-D", path], check=True, capture_output=True, text=True).stdout)


class Demo:
    def __init__(self, args):
        self.args = args
        self.bin = pathlib.Path(args.build).resolve()
        self.out = pathlib.Path(args.out).resolve()
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        self.webhook, self.admin, self.graph = free_port(), free_port(), free_port()
        self.sip, self.pbx, self.control = free_port(), free_port(), free_port()

    def tell(self, text=""):
        print(text, file=sys.stderr if self.args.json else sys.stdout, flush=True)

    # ---- the three programs ----

    def write_config(self):
        config = self.out / "watrunk.yaml"
        config.write_text(f"""\
webhook: {{listen: "127.0.0.1:{self.webhook}", path: "/webhook", verify_token: "demo-verify", app_secret: "demo-app-secret"}}
admin:   {{listen: "127.0.0.1:{self.admin}", token: "demo-admin-token"}}
graph:   {{base_url: "http://127.0.0.1:{self.graph}", version: "v25.0"}}
numbers:
  - {{phone_number_id: "310000000000002", number: "+12025550123", token: "demo-graph-token"}}
sip:     {{listen: ["udp:127.0.0.1:{self.sip}", "tcp:127.0.0.1:{self.sip}"], domain: "127.0.0.1"}}
media:   {{public_address: "127.0.0.1", bind_address: "127.0.0.1", webrtc_ports: "40000-40999", rtp_ports: "20000-20999"}}
gateways:
  - {{name: pbx, uri: "sip:127.0.0.1:{self.pbx};transport=udp", codecs: [PCMU, PCMA]}}
dialplan:
  - {{name: service-desk, match: {{direction: inbound, to: "+12025550123"}}, actions: [{{bridge: {{gateways: [pbx], user: "600", timeout: 25}}}}]}}
  - {{name: everything-else, match: {{direction: inbound}}, actions: [{{reject: {{cause: closed}}}}]}}
store:   {{url: "sqlite:{self.out}/calls.db"}}
log:     {{level: info, format: json}}
""")
        return config

    def start_pbx(self):
        folder = self.out / "baresip"
        folder.mkdir(exist_ok=True)
        (folder / "contacts").write_text("")
        (folder / "accounts").write_text(f"<sip:600@127.0.0.1:{self.pbx};transport=udp>;regint=0;answermode=auto;audio_codecs=pcmu,pcma\n")
        modules = pathlib.Path(glob.glob("/usr/lib/baresip/modules")[0])
        (folder / "config").write_text(f"""\
sip_listen 127.0.0.1:{self.pbx}
audio_source aufile,{self.agent_wav}
audio_player aufile,x
audio_alert aufile,x
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_txmode thread
rtp_ports 46000-46900
snd_path {self.out}
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{self.control}
""")
        start(["baresip", "-f", folder, "-n", "127.0.0.1", "-v"], self.out / "baresip.log")
        self.wait_for(lambda: "ready" in (self.out / "baresip.log").read_text(errors="replace"), "baresip to be ready")

    def start_watrunk(self):
        self.config = self.write_config()
        self.watrunk = start([*shlex.split(self.args.wrap), self.bin / "watrunk", "run", "-c", self.config], self.out / "watrunk.log")

        def healthy():
            if processes[-1].poll() is not None:
                sys.exit("demo: watrunk did not start:\n" + (self.out / "watrunk.log").read_text())
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/healthz", timeout=2) as r:
                return r.status == 200
        self.wait_for(healthy, "watrunk to be ready", 90 if self.args.wrap else 20)

    def wait_for(self, question, what, limit=20):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            try:
                if question():
                    return
            except OSError:
                pass
            time.sleep(0.02)
        sys.exit(f"demo: waited {limit} s for {what}; logs are in {self.out}")

    def metasim(self, *more):
        return [self.bin / "metasim", "--graph", f"127.0.0.1:{self.graph}", "--webhook", f"http://127.0.0.1:{self.webhook}/webhook",
                "--app-secret", "demo-app-secret", "--token", "demo-graph-token", "--say", self.user_wav, "--timeline", *more]

    def run_metasim(self, log, *more):
        with open(self.out / log, "w") as f:
            subprocess.run([str(a) for a in self.metasim(*more)], stdout=f, stderr=subprocess.STDOUT, timeout=600, check=False)
        lines = (self.out / log).read_text().splitlines()
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        if not parsed or "calls" not in parsed[-1]:
            sys.exit(f"demo: metasim did not finish; see {self.out / log}")
        return parsed[-1], parsed[:-1]

    # ---- the story ----

    def prepare_speech(self):
        self.user_wav, self.agent_wav = self.out / "user-says.wav", self.out / "agent-says.wav"
        if self.args.say:
            subprocess.run(["sox", self.args.say, "-c", "1", "-b", "16", "-r", "16000", self.user_wav], check=True)
        else:
            speech(USER_SAYS, self.user_wav, 16000)
        speech(AGENT_SAYS, self.out / "agent-once.wav", 8000)
        # baresip hangs up at the end of its file: what the agent says is repeated until the call is surely over
        repeats = int(seconds(self.user_wav) * 2 / seconds(self.out / "agent-once.wav")) + 4
        subprocess.run(["sox", self.out / "agent-once.wav", self.agent_wav, "repeat", str(repeats)], check=True)

    def timeline(self, metasim_events):
        events = []
        for line in (self.out / "watrunk.log").read_text(errors="replace").splitlines():
            try:
                e = json.loads(line)
            except ValueError:
                continue
            if "t_us" in e:
                detail = " ".join(f"{k}={e[k]}" for k in ("verb", "code", "leg", "gateway", "status", "cause") if k in e and e[k] != "")
                events.append((int(e["t_us"]), "watrunk", e.get("event", ""), detail, e.get("call", "")))
        first_call = next((e[4] for e in events if e[2] == "webhook_connect"), None)
        events = [e for e in events if e[4] == first_call]
        events += [(e["t_us"], "metasim", e["event"], e["detail"], "") for e in metasim_events if e["call"] == 1]
        events.sort(key=lambda e: e[0])
        zero = next((e[0] for e in events if e[1] == "metasim" and e[2] == "webhook"), events[0][0] if events else 0)
        return [{"ms": round((t - zero) / 1000, 3), "who": who, "event": name, "detail": detail} for t, who, name, detail, _ in events]

    def check_heard(self, reference, heard):
        done = subprocess.run([self.bin / "audiocheck", "--json", reference, heard], capture_output=True, text=True, check=False)
        try:
            result = json.loads(done.stdout)
        except ValueError:
            result = {"score": 0.0, "error": done.stderr.strip()}
        result["heard"] = done.returncode == 0
        result["file"] = str(heard)
        return result

    def records(self):
        done = subprocess.run([self.bin / "watrunk", "calls", "-c", self.config, "--history", "--json", "--limit", "1000"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def wait_for_records(self, n):
        self.wait_for(lambda: len(self.records()) >= n, f"{n} call records")
        return self.records()

    def run(self):
        self.prepare_speech()
        self.start_pbx()
        self.start_watrunk()
        talk_ms = int((seconds(self.user_wav) + 3.0) * 1000)
        self.tell(f"A WhatsApp user calls +1 202 555 0123 and talks for {talk_ms / 1000:.0f} s; the PBX answers by itself ...")
        report, events = self.run_metasim("metasim.log", "--talk", talk_ms, "--hear", self.out / "user-heard.wav")
        self.wait_for_records(1)
        dumps = sorted(glob.glob(str(self.out / "dump-*-dec.wav")))
        if dumps:
            os.replace(dumps[0], self.out / "agent-heard.wav")
        result = {
            "timeline": self.timeline(events),
            "user_heard": self.check_heard(self.out / "agent-once.wav", self.out / "user-heard.wav"),
            "agent_heard": self.check_heard(self.user_wav, self.out / "agent-heard.wav"),
            "violations": [v for c in report["calls"] for v in c["violations"]],
            "user": report["calls"][0],
        }
        if self.args.calls > 1:
            self.tell(f"... and {self.args.calls - 1} short calls, for the set-up times ...")
            more, _ = self.run_metasim("metasim-more.log", "--talk", 700, "--calls", self.args.calls - 1)
            result["violations"] += [v for c in more["calls"] for v in c["violations"]]
        records = self.wait_for_records(self.args.calls)
        result["record"] = records[-1]
        result["records"] = len(records)
        result["overhead_ms"] = self.overhead(records)
        result["ok"] = self.verdict(result, records)
        if self.args.wrap:
            self.watrunk.send_signal(signal.SIGTERM)
            result["exit_code"] = self.watrunk.wait(60)
            result["ok"] = result["ok"] and result["exit_code"] == 0
        return result

    @staticmethod
    def overhead(records):
        def median(key):
            values = [r[key] for r in records if r.get(key) is not None]
            return round(statistics.median(values) / 1000, 3) if values else None
        return {"calls": len(records), "webhook_to_invite": median("setup_invite_us"), "sip_200_to_accept": median("setup_accept_us")}

    def verdict(self, result, records):
        o = result["overhead_ms"]
        return bool(result["user_heard"]["heard"] and result["agent_heard"]["heard"] and not result["violations"]
                    and len(records) == self.args.calls and all(r["status"] == "completed" for r in records)
                    and all(o[k] is not None and o[k] < self.args.limit_ms for k in ("webhook_to_invite", "sip_200_to_accept")))

    def show(self, r):
        print("\n        ms  who      what")
        for e in r["timeline"]:
            print(f"{e['ms']:10.1f}  {e['who']:8} {e['event']:18} {e['detail']}")
        rec = r["record"]
        print(f"\ncall {rec['id']}: {rec['status']} ({rec['cause']}), {rec['duration_ms'] / 1000:.1f} s, {rec['wa_codec']} <-> {rec['sip_codec']}, "
              f"rule {rec['rule']}, gateway {rec['gateway']}")
        for side, key in (("WhatsApp -> SIP", "wa_rx"), ("SIP -> WhatsApp", "sip_rx")):
            q = rec[key]
            print(f"  {side}: {q['packets']} packets, {q['lost']} lost, jitter {q['jitter_ms'] or 0:.1f} ms, concealed {q['concealed_ms'] or 0} ms, MOS {q['mos'] or 0:.2f}")
        print(f"\nuser heard the agent:  {'yes' if r['user_heard']['heard'] else 'NO'} (score {r['user_heard'].get('score', 0):.2f})  {r['user_heard']['file']}")
        print(f"agent heard the user:  {'yes' if r['agent_heard']['heard'] else 'NO'} (score {r['agent_heard'].get('score', 0):.2f})  {r['agent_heard']['file']}")
        o = r["overhead_ms"]
        print(f"watrunk's own share of the set-up, median of {o['calls']} calls: webhook -> INVITE {o['webhook_to_invite']} ms, SIP 200 -> accept {o['sip_200_to_accept']} ms")
        for v in r["violations"]:
            print(f"VIOLATION: {v}")
        print("\nOK" if r["ok"] else f"\nFAILED; logs are in {self.out}")

    def stay(self):
        print(f"\nEverything is still running (logs in {self.out}). Ring again with:\n\n  "
              + " ".join(str(a) for a in self.metasim("--talk", "5000", "--hear", self.out / "user-heard-again.wav"))
              + f"\n\nLook with:\n\n  {self.bin / 'watrunk'} calls -c {self.config}\n  {self.bin / 'watrunk'} calls -c {self.config} --history\n\nCtrl-C ends it.",
              file=sys.stderr if self.args.json else sys.stdout, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Put real calls through watrunk on this machine.")
    parser.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument("--stay", action="store_true", help="leave everything running and say how to ring again")
    parser.add_argument("--say", metavar="FILE", help="a WAV file for the WhatsApp user to say")
    parser.add_argument("--calls", type=int, default=20, help="how many calls in all (default 20: one with speech, the rest for the set-up times)")
    parser.add_argument("--wrap", default="", metavar="COMMAND", help="run watrunk under this command (valgrind); its exit code must be 0")
    parser.add_argument("--limit-ms", type=float, default=5.0, help="fail when watrunk's own share of the set-up is longer (default 5)")
    parser.add_argument("--out", default="demo-out", help="folder for WAVs, logs and the call log (default demo-out)")
    args = parser.parse_args()
    atexit.register(stop_all)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    demo = Demo(args)
    result = demo.run()
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        demo.show(result)
    if args.stay:
        demo.stay()
    sys.exit(0 if result["ok"] else 1)


if __name__ == "__main__":
    main()
