#!/usr/bin/python3
"""scripts/bench: what it makes of the reports of its runs, as Markdown and as JSON."""
import importlib.machinery
import importlib.util
import json
import math
import os
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def load_bench():
    loader = importlib.machinery.SourceFileLoader("bench", os.path.join(ROOT, "scripts", "bench"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


bench = load_bench()
SPREAD = {"count": 10, "p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}


def report(us=100.0, loss=0.0, least=0.9, slope=110.0, fault=None, done=10, at_once=10):
    way = {"sent": 1000, "heard": 1000, "loss_percent": loss, "gaps": 1}
    return {"ok": fault is None, "fault": fault, "calls": {"done": done, "failed": 0, "most_at_once": at_once, "violations": 0},
            "setup_ms": {k: SPREAD for k in ("webhook_to_invite", "sip_200_to_accept", "webhook_to_agent_hears", "webhook_to_user_hears",
                                             "own_webhook_to_invite", "own_sip_200_to_accept")},
            "delay_ms": {"user_to_agent": SPREAD, "jitter_buffer": SPREAD, "agent_to_user": SPREAD, "missed": 0},
            "packets": {"user_to_agent": way, "agent_to_user": way},
            "likeness": {"misheard": 0, "user_to_agent": {"calls": 4, "least": least, "p50": 0.9},
                         "agent_to_user": {"calls": 4, "least": 0.95, "p50": 0.95}},
            "cpu_us_per_call_per_20ms": {"total": us, "media": us - 1, "control": 0.9, "other": 0.1, "loadgen": 50.0},
            "memory": {"slope_kb_per_call": slope}, "window": {"seconds": 5.0, "calls_mean": 10.0, "calls_begun": done - at_once}}


def result(*rounds, **more):
    return {"machine": "a machine", "levels": [bench.summary(10, list(rounds))], "rtpengine": [],
            "setup": [bench.setup_summary("as many as come", report(done=610, at_once=110))], **more}


class Bench(unittest.TestCase):
    def test_medians_and_worst(self):
        level = bench.summary(10, [{"codecs": c, "bridge": report(us, loss, least)}
                                   for c, us, loss, least in ((80.0, 100.0, 0.0, 0.9), (100.0, 120.0, 0.5, 0.7), (90.0, 300.0, 0.1, 0.95))])
        self.assertEqual((level["codecs_us"], level["cpu_us"]["total"]), (90.0, 120.0))     # medians of each, not the mean
        self.assertAlmostEqual(level["ratio"], 120 / 90)
        self.assertEqual([round(r, 2) for r in level["ratios"]], [1.25, 1.2, 3.33])         # and each round for whoever doubts
        self.assertEqual(level["loss_percent"], {"user_to_agent": 0.5, "agent_to_user": 0.5})
        self.assertEqual((level["likeness"], level["gaps"], level["faults"]), (0.7, 6, []))

    def test_set_ups_a_second(self):
        self.assertEqual(bench.rate_of(report(done=610, at_once=110)), 100)
        self.assertEqual(bench.rate_of(report(done=10, at_once=10)), 0)
        self.assertIsNone(bench.rate_of({"window": {"seconds": 0.0, "calls_begun": 7}}))

    def test_what_was_not_measured_is_no_figure(self):
        level = bench.summary(10, [{"codecs": 90.0, "bridge": report(slope=None, least=None)}])
        self.assertTrue(math.isnan(level["kb_per_call"]))
        self.assertEqual(level["likeness"], 0.95)
        self.assertEqual(bench.figure(level["kb_per_call"]), "")

    def test_tables(self):
        text = bench.tables(result({"codecs": 80.0, "bridge": report()}))
        tables = [t.split("\n") for t in text.split("\n\n") if t.startswith("|")]
        self.assertEqual(len(tables), 3)
        for table in tables:
            self.assertEqual(len({line.count("|") for line in table}), 1, table)            # as many columns in each line
        self.assertIn("**1.25**", tables[0][2])
        self.assertIn("| 0.90 |", tables[1][2])
        self.assertIn("(610 calls) | 100 |", tables[2][2])

    def test_faults_are_told(self):
        text = bench.tables(result({"codecs": 80.0, "bridge": report(fault="what was heard is not what was said")}))
        self.assertIn("Not good: 10 calls: what was heard is not what was said.", text)

    def test_json(self):
        self.assertEqual(json.loads(json.dumps(result({"codecs": 80.0, "bridge": report()})))["levels"][0]["calls"], 10)

    def test_page_has_the_marks(self):
        with open(bench.PAGE, encoding="utf-8") as f:
            page = f.read()
        self.assertLess(0, page.find(bench.BEGIN))
        self.assertLess(page.find(bench.BEGIN), page.find(bench.END))


if __name__ == "__main__":
    unittest.main(verbosity=1)
