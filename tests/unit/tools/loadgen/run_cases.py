#!/usr/bin/python3
"""A few calls through the real program, held and measured: is all in the report that should be, and does it say what was?

usage: run_cases.py LOADGEN WATRUNK
"""
import json
import subprocess
import sys
import unittest

CALLS, LOW = 5, 2


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run = subprocess.run([LOADGEN, "--watrunk", WATRUNK, "--calls", str(CALLS), "--low", str(LOW), "--rate", "10", "--talk", "2.5",
                              "--probe-every", "2", "--listen", "2", "--max-loss", "5", "--json"], capture_output=True, text=True, timeout=80)
        try:
            cls.report = json.loads(run.stdout)
        except ValueError:
            raise AssertionError(run.stdout + run.stderr) from None
        cls.code = run.returncode

    def test_good(self):
        self.assertEqual((self.code, self.report["ok"], self.report["fault"]), (0, True, None), self.report)
        self.assertEqual(self.report["calls"], {"done": CALLS, "failed": 0, "most_at_once": CALLS, "violations": 0})
        self.assertTrue(self.report["after"]["drained"])

    def test_what_was_heard_is_what_was_said(self):
        likeness = self.report["likeness"]
        self.assertEqual(likeness["misheard"], 0)
        for way in ("user_to_agent", "agent_to_user"):
            self.assertEqual(likeness[way]["calls"], 2)
            self.assertGreater(likeness[way]["least"], 0.7)

    def test_delay_and_loss_each_way(self):
        for way in ("user_to_agent", "agent_to_user"):
            self.assertGreater(self.report["delay_ms"][way]["count"], 0)
            self.assertLessEqual(self.report["delay_ms"][way]["p50"], self.report["delay_ms"][way]["p99"])
            self.assertGreater(self.report["packets"][way]["sent"], CALLS * 100)

    def test_processor_time_and_memory(self):
        cpu, memory = self.report["cpu_us_per_call_per_20ms"], self.report["memory"]
        self.assertAlmostEqual(cpu["total"], cpu["media"] + cpu["control"] + cpu["other"], delta=max(5, cpu["total"] * 0.15))
        self.assertEqual((memory["low_calls"], memory["full_calls"]), (LOW, CALLS))
        self.assertAlmostEqual(memory["slope_kb_per_call"], (memory["full_kb"] - memory["low_kb"]) / (CALLS - LOW), places=2)

    def test_set_up(self):
        for what in ("webhook_to_invite", "sip_200_to_accept", "webhook_to_agent_hears", "webhook_to_user_hears", "own_webhook_to_invite",
                     "own_sip_200_to_accept"):
            self.assertEqual(self.report["setup_ms"][what]["count"], CALLS, what)


if __name__ == "__main__":
    LOADGEN, WATRUNK = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1], verbosity=1)
