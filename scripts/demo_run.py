#!/usr/bin/python3
"""The demo: picks what is to be shown, and shows a WhatsApp user who calls. Run by scripts/demo."""
import argparse
import atexit
import glob
import json
import os
import signal
import statistics
import sys

from demo_out import WayOut
from demo_rig import Rig, seconds, stop_all


class Demo(Rig):
    """A WhatsApp user calls the business."""

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
    parser.add_argument("--outbound", dest="mode", action="store_const", const="outbound", help="show a SIP phone that dials a WhatsApp user")
    parser.add_argument("--escalate", dest="mode", action="store_const", const="escalate", help="show a text that becomes a call")
    parser.add_argument("--transfer", dest="mode", action="store_const", const="transfer", help="show a live call that moves to another phone")
    parser.add_argument("--no-permission", action="store_true", help="with --outbound or --escalate: the user must be asked first")
    args = parser.parse_args()
    if args.no_permission and args.mode not in ("outbound", "escalate"):
        parser.error("--no-permission needs --outbound or --escalate")
    if args.say and not os.path.isfile(args.say):
        parser.error(f"--say {args.say}: no such file")
    atexit.register(stop_all)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    demo = WayOut(args) if args.mode else Demo(args)
    result = demo.run()
    if not args.stay:
        result["ok"] = demo.ends_well() and result["ok"]
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        demo.show(result)
    if args.stay:
        demo.stay()
    sys.exit(0 if result["ok"] else 1)


if __name__ == "__main__":
    main()
