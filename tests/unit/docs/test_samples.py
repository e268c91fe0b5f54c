#!/usr/bin/python3
"""The sample configurations, given to the real program: test_samples.py WATRUNK"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
WATRUNK = sys.argv.pop(1)
SECRETS = {name: f"not-a-real-{name}" for name in ("WA_VERIFY", "WA_APP_SECRET", "WATRUNK_ADMIN_TOKEN", "WA_TOKEN", "CRM_SECRET", "DESK1_PASSWORD",
                                                  "WA_TOKEN_2", "WA_OTHER_APP_SECRET", "ACME_TOKEN", "GLOBEX_TOKEN")}


def watrunk(*args, **environment):
    return subprocess.run([WATRUNK, *args], cwd=ROOT, capture_output=True, text=True, timeout=30, env={**os.environ, **environment})


class Samples(unittest.TestCase):
    def test_etc(self):
        run = watrunk("check", "-c", "etc/watrunk.yaml", **SECRETS)
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_etc_without_secrets_names_them_all(self):
        run = watrunk("check", "-c", "etc/watrunk.yaml", **{name: "" for name in SECRETS})
        self.assertEqual(run.returncode, 2)
        for name in ("WA_VERIFY", "WA_APP_SECRET", "WATRUNK_ADMIN_TOKEN", "WA_TOKEN"):
            self.assertIn(name, run.stderr)

    def test_readme(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            blocks = re.findall(r"^```yaml\n(.*?)^```", f.read(), flags=re.S | re.M)
        self.assertEqual(len(blocks), 1)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(blocks[0])
            f.flush()
            run = watrunk("check", "-c", f.name, **SECRETS)
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_yaml_of_the_pages(self):
        """Each block of docs/*.md, put into README's configuration in place of the sections it has."""
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            base = re.search(r"^```yaml\n(.*?)^```", f.read(), flags=re.S | re.M).group(1)
        sections = re.split(r"^(?=\w+:)", base, flags=re.M)
        seen = 0
        for page in sorted(os.listdir(os.path.join(ROOT, "docs"))):
            if not page.endswith(".md"):
                continue
            with open(os.path.join(ROOT, "docs", page), encoding="utf-8") as f:
                blocks = re.findall(r"^```yaml\n(.*?)^```", f.read(), flags=re.S | re.M)
            for block in blocks:
                own = re.findall(r"^(\w+):", block, flags=re.M)
                seen += 1
                with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as f:
                    f.write("".join(x for x in sections if x.split(":")[0] not in own) + block)
                    f.flush()
                    run = watrunk("check", "-c", f.name, **SECRETS)
                self.assertEqual((run.returncode, run.stderr), (0, ""), f"docs/{page}:\n{block}")
        self.assertGreater(seen, 5)

    def peers_base(self, folder):
        """README's configuration with every transport, and a certificate where the pages have theirs."""
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            base = re.search(r"^```yaml\n(.*?)^```", f.read(), flags=re.S | re.M).group(1)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=watrunk.example.com", "-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"],
                       check=True, capture_output=True)
        return base.replace('"udp:0.0.0.0:5060"', '"udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"')

    def test_yaml_of_the_peers(self):
        """Each block of docs/peers. Names that need a name server are no fault of the page's."""
        presets = {f[:-5] for f in os.listdir(os.path.join(ROOT, "etc/presets"))}
        pages = {f[:-3] for f in os.listdir(os.path.join(ROOT, "docs/peers"))} - {"README"}
        self.assertEqual(presets, pages, "presets and their pages")
        secrets = {**SECRETS, "PBX_PASSWORD": "not-a-real-one"}
        with tempfile.TemporaryDirectory() as folder:
            sections = re.split(r"^(?=\w+:)", self.peers_base(folder), flags=re.M)
            for page in sorted(pages):
                with open(os.path.join(ROOT, f"docs/peers/{page}.md"), encoding="utf-8") as f:
                    text = f.read()
                blocks = re.findall(r"^```yaml\n(.*?)^```", text, flags=re.S | re.M)
                self.assertTrue(blocks and f"preset: {page}\n" in blocks[0], page)
                for heading in ("## watrunk", "## The other side", "## What to know", "## Try it", "## Source"):
                    self.assertIn(heading, text, page)
                own = re.findall(r"^(\w+):", blocks[0], flags=re.M)
                path = f"{folder}/watrunk.yaml"
                with open(path, "w", encoding="utf-8") as f:
                    f.write("".join(x for x in sections if x.split(":")[0] not in own) + blocks[0].replace("/etc/watrunk/tls", folder))
                run = watrunk("check", "-c", path, **secrets)
                faults = [l for l in run.stderr.splitlines() if not re.search(r"gateways\[\d\]\.uri: host \S+ cannot be resolved", l)]
                self.assertEqual(faults, [], f"docs/peers/{page}.md")

    def route(self, *args):
        run = watrunk("route-test", "-c", "etc/watrunk.yaml", "--json", "--to", "+12025550123", *args, **SECRETS)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return json.loads(run.stdout)

    def test_the_sample_dialplan_does_what_its_comments_say(self):
        open_hours = self.route("--from", "+447700900123", "--payload", "order-77", "--at", "2026-05-04T09:30")
        self.assertEqual((open_hours["rule"], open_hours["gateway"], open_hours["user"]), ("sales", "pbx", "600"))
        self.assertEqual(open_hours["headers"]["X-Order"], "order-77")
        night = self.route("--from", "+447700900123", "--at", "2026-05-04T22:30")
        self.assertEqual((night["action"], night["rule"], night["cause"]), ("reject", "nights", "closed"))
        abroad = self.route("--from", "+33612345678", "--at", "2026-05-04T09:30")
        self.assertEqual((abroad["rule"], abroad["gateway"]), ("everything-else", "agent"))

    def asked(self, path, *args):
        run = watrunk("route-test", "-c", path, "--json", *args, **SECRETS)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        answer = json.loads(run.stdout)
        return answer["rule"], [list(action)[0] for action in answer["actions"]], answer

    def test_the_settings_of_the_dialplan_that_are_off_are_right_too(self):
        """The rules of etc/watrunk.yaml for the other directions, switched on ("#key:" becomes "key:")."""
        with open(os.path.join(ROOT, "etc/watrunk.yaml"), encoding="utf-8") as f:
            before, dialplan, after = re.split(r"^(dialplan:\n.*?)(?=^# The call log)", f.read(), flags=re.S | re.M)
        dialplan = re.sub(r"^( +)#(?=\S)", r"\1", dialplan, flags=re.M)
        self.assertNotIn("#-", dialplan)
        dialplan = re.sub(r"^ +tenant: .*\n", "", dialplan, flags=re.M)   # there are none: the section is off
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as f:
            f.write(before + dialplan + after)
            f.flush()
            run = watrunk("check", "-c", f.name, **SECRETS)
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            user = ("--to", "+447700900123", "--from", "201", "--direction", "outbound", "--gateway", "pbx")
            rule, actions, answer = self.asked(f.name, *user)
            self.assertEqual((rule, actions), ("out", ["whatsapp"]))
            self.assertEqual(answer["actions"][0]["whatsapp"]["user"], "+447700900123")
            self.assertEqual(answer["actions"][0]["whatsapp"]["request_template"]["name"], "may_we_call")
            chat = ("--to", "+12025550123", "--from", "+447700900123", "--direction")
            rule, actions, answer = self.asked(f.name, *chat, "message", "--text", "Please CALL   me!", "--name", "Ana")
            self.assertEqual((rule, actions), ("call-me", ["send_text", "call_back"]))
            self.assertEqual(answer["actions"][0]["send_text"]["text"], "Thank you, Ana. We call you in a moment.")
            self.assertEqual(answer["actions"][1]["call_back"]["headers"], {"X-Asked": "Please CALL   me!"})
            rule, actions, _ = self.asked(f.name, *chat, "ended", "--status", "missed", "--call", "inbound")
            self.assertEqual((rule, actions), ("missed", ["call_button", "send_template"]))
            rule, actions, _ = self.asked(f.name, *chat, "ended", "--status", "completed", "--call", "inbound")
            self.assertEqual((rule, actions), ("", []))


if __name__ == "__main__":
    unittest.main(verbosity=1)
