#!/usr/bin/python3
"""The command line of the real program, exit codes and output: test_cli.py WATRUNK

All configurations are etc/watrunk.yaml with a few lines changed. `calls` and `hangup` ask an admin interface that is
played here; `run` is left to tests/scenario.
"""
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))
WATRUNK = sys.argv.pop(1)
SECRETS = {name: "not-a-real-one" for name in ("WA_VERIFY", "WA_APP_SECRET", "WATRUNK_ADMIN_TOKEN", "WA_TOKEN")}
SAMPLE = "etc/watrunk.yaml"
NUMBER, USER = "+12025550123", "+447700900123"
OK, FAILED, USAGE = 0, 1, 2
MONDAY = "2026-05-04T09:30Z"

with open(os.path.join(ROOT, SAMPLE), encoding="utf-8") as sample_file:
    SAMPLE_TEXT = sample_file.read()


class Cli(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="watrunk-cli-")
        self.addCleanup(self.directory.cleanup)

    def watrunk(self, *args):
        return subprocess.run([WATRUNK, *args], cwd=ROOT, capture_output=True, text=True, timeout=60,
                              env={**os.environ, **SECRETS})

    def config(self, *changes):
        """Path of the sample with each (old, new) replaced once."""
        text = SAMPLE_TEXT
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        path = os.path.join(self.directory.name, "watrunk.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def line_of(self, path, text):
        with open(path, encoding="utf-8") as f:
            return 1 + next(i for i, line in enumerate(f) if text in line)

    def result(self, code, *args):
        run = self.watrunk(*args)
        self.assertEqual(run.returncode, code, (args, run.stdout, run.stderr))
        return run

    def refused(self, message, *args):
        """A command line that is wrong: said on stderr, nothing on stdout."""
        run = self.result(USAGE, *args)
        self.assertIn(message, run.stderr, args)
        self.assertEqual(run.stdout, "", args)


class CommandLine(Cli):
    def test_version_and_help(self):
        run = self.result(OK, "--version")
        self.assertRegex(run.stdout, r"^watrunk \d+\.\d+\.\d+\n$")
        for word in ("--help", "-h", "help"):
            run = self.result(OK, word)
            self.assertIn("watrunk check  ", run.stdout)
            self.assertEqual(run.stderr, "")

    def test_help_of_each_command(self):
        names = re.findall(r"^  watrunk ([a-z-]+) ", self.result(OK, "--help").stdout, flags=re.M)
        self.assertGreater(len(names), 20)
        for name in names:
            for words in ((name, "--help"), ("help", name), (name, "x", "--help")):
                run = self.result(OK, *words)
                self.assertTrue(run.stdout.startswith(f"usage: watrunk {name}"), run.stdout)
                self.assertEqual(run.stderr, "")
                self.assertEqual("--config FILE" in run.stdout, name != "presets")
                self.assertEqual("  --json" in run.stdout, name != "run")
        self.refused("unknown command", "frobnicate", "--help")
        self.result(USAGE, "help", "frobnicate")
        run = self.result(OK, "calls", "--help")
        self.assertIn("usage: watrunk calls\n       watrunk calls --history [--user N] [--status S] [--limit N] [--quality] [-c FILE] [--json]\n",
                      run.stdout)
        self.assertIn("\n                    [--request [--park S]", self.result(OK, "call", "--help").stdout)

    def test_help_names_every_option(self):
        folder = os.path.join(ROOT, "b2bua/cli")
        with open(os.path.join(folder, "commands.c"), encoding="utf-8") as f:
            explained = f.read()
        taken = set()
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                text = f.read()
            taken |= set(re.findall(r'\{"([a-z-]+)", (?:required_argument|no_argument|"[a-z_]+", OPTION_)', text))
        self.assertGreater(len(taken), 30)
        self.assertEqual(sorted(o for o in taken if not re.search(f"[ ,]--{o}[ ,\\\\\n]", explained)), [])

    def test_no_or_unknown_command(self):
        self.refused("watrunk route-test ")
        self.refused('unknown command "frobnicate"', "frobnicate")
        self.refused('unknown command ""', "")
        self.refused('unknown command "-c"', "-c", SAMPLE)

    def test_options_that_a_command_does_not_have(self):
        for command in ("run", "check", "route-test", "calls", "hangup"):
            self.refused("unrecognized option", command, "--frobnicate")
            self.refused("invalid option", command, "-x")
            self.refused("requires an argument", command, "-c")

    def test_forgotten_c_is_not_the_default_file(self):
        """`watrunk check FILE` looked at /etc/watrunk/watrunk.yaml and called FILE right."""
        for command in ("run", "check", "calls"):
            self.refused("-c FILE", command, SAMPLE)
        self.refused("-c FILE", "check", "-c", SAMPLE, "more")
        self.refused("-c FILE", "route-test", "-c", SAMPLE, "--to", NUMBER, "--from", USER, "more")

    def test_values_out_of_range(self):
        for option, value, message in (("--limit", "0", "1 to 1000"), ("--limit", "1001", "1 to 1000"),
                                       ("--limit", "ten", "1 to 1000"), ("--status", "lost", "completed, missed"),
                                       ("--user", "somebody", "not a phone number")):
            self.refused(message, "calls", "-c", SAMPLE, "--history", option, value)
        for ids in ((), ("c-1", "c-2")):
            self.refused("usage: watrunk hangup ID", "hangup", "-c", SAMPLE, *ids)
        self.refused("the id of the call is empty", "hangup", "-c", SAMPLE, "")


class Check(Cli):
    def test_right(self):
        run = self.result(OK, "check", "-c", SAMPLE)
        self.assertEqual((run.stdout, run.stderr),
                         (SAMPLE + ": OK: 1 numbers, 2 gateways, 3 dialplan rules\n", ""))
        run = self.result(OK, "check", "--json", "--config", SAMPLE)
        self.assertEqual(json.loads(run.stdout), {"ok": True, "file": SAMPLE, "errors": []})

    def test_every_fault_with_file_line_and_key(self):
        path = self.config(("timeout_ms: 5000", "timeout_ms: 5"), ("webrtc_ports: 40000-49999", "webrtc_ports: many"),
                           ("gateways: [agent]", "gateways: [nobody]"), ("jitter_max_ms: 200", "jitter_max_ms: 10"))
        faults = (("timeout_ms: 5\n", "graph.timeout_ms", "100 to 60000"), ("webrtc_ports: many", "media.webrtc_ports", "many"),
                  ("gateways: [nobody]", "dialplan[2].actions[0].bridge.gateways", "nobody"),
                  ("jitter_max_ms: 10", "media.jitter_max_ms", "20 to 500"))
        run = self.result(USAGE, "check", "-c", path)
        self.assertEqual(run.stdout, "")
        lines = run.stderr.splitlines()
        for text, key, word in faults:
            start = f"{path}:{self.line_of(path, text)}: {key}"
            found = [line for line in lines if line.startswith(start) and word in line]
            self.assertEqual(len(found), 1, (start, lines))
        self.assertEqual(len(lines), len(faults), lines)
        report = json.loads(self.result(USAGE, "check", "--json", "-c", path).stdout)
        self.assertEqual((report["ok"], report["errors"]), (False, lines))

    def test_an_unknown_key_hides_no_other_fault(self):
        path = self.config(("timeout_ms: 5000", "timout_ms: 5000"), ("gateways: [agent]", "gateways: [nobody]"), ("codecs: [PCMU]", "codecs: [G729]"))
        lines = self.result(USAGE, "check", "-c", path).stderr.splitlines()
        for text, key, word in (("timout_ms: 5000", "graph.timout_ms", 'did you mean "timeout_ms"?'), ("[nobody]", "dialplan[2]", "nobody"),
                                ("[G729]", "gateways[1].codecs[0]", "G729")):
            start = f"{path}:{self.line_of(path, text)}: {key}"
            self.assertEqual(len([line for line in lines if line.startswith(start) and word in line]), 1, (start, lines))
        self.assertEqual(len(lines), 3, lines)

    def test_no_secret_is_shown(self):
        path = self.config(("verify_token: env:WA_VERIFY", "verify_token: env:WA_UNSET_HERE"),
                           ("app_secret: env:WA_APP_SECRET", "app_secret: file:/nonexistent/secret"),
                           ("webhook\n", "webhook # not-a-real-one\n"))
        run = self.result(USAGE, "check", "-c", path)
        self.assertIn("WA_UNSET_HERE", run.stderr)
        self.assertIn("/nonexistent/secret", run.stderr)
        for word in ("not-a-real-one", *SECRETS.values()):
            self.assertNotIn(word, run.stdout + run.stderr)

    def test_files_that_cannot_be_read(self):
        binary = os.path.join(self.directory.name, "binary")
        with open(binary, "wb") as f:
            f.write(bytes(range(256)) * 20)
        empty = os.path.join(self.directory.name, "empty")
        with open(empty, "w", encoding="utf-8"):
            pass
        for path in ("/nonexistent/watrunk.yaml", self.directory.name, binary, empty):
            run = self.result(USAGE, "check", "-c", path)
            self.assertEqual(run.stdout, "")
            self.assertTrue(run.stderr.startswith(path + ":"), run.stderr)
            report = json.loads(self.result(USAGE, "check", "--json", "-c", path).stdout)
            self.assertFalse(report["ok"])
            self.assertTrue(report["errors"])


class RouteTest(Cli):
    def route(self, *args, config=SAMPLE, code=OK):
        return self.result(code, "route-test", "-c", config, "--to", NUMBER, *args)

    def test_bridge(self):
        question = ("--from", USER, "--name", "Ann", "--payload", 'say "hi"', "--at", MONDAY)
        run = self.route(*question)
        self.assertEqual(run.stderr, "")
        self.assertTrue(run.stdout.startswith("-> rule sales: every condition holds\n"), run.stdout)
        for line in ('INVITE user "600" at gateway pbx (sip:192.0.2.10:5060;transport=udp)',
                     "INVITE sip:600@192.0.2.10:5060;transport=udp SIP/2.0", "To: <sip:600@192.0.2.10>",
                     'From: "Ann" <sip:+447700900123@watrunk.example.com>;tag=RANDOM', "X-WA-User: +447700900123",
                     "Call-ID: RANDOM", "CSeq: RANDOM INVITE", "Session-Expires: 1800", "Max-Forwards: 70", "Content-Type: application/sdp",
                     'X-Order: say "hi"', "m=audio 20000 RTP/AVP 0 8 101"):
            self.assertIn(line + "\n", run.stdout.replace("\r", ""))
        answer = json.loads(self.route(*question, "--json").stdout)
        self.assertEqual({k: answer[k] for k in ("action", "rule", "gateway", "gateway_uri", "user", "from_user", "display_name")},
                         {"action": "bridge", "rule": "sales", "gateway": "pbx", "display_name": "Ann", "user": "600",
                          "gateway_uri": "sip:192.0.2.10:5060;transport=udp", "from_user": USER})
        self.assertEqual(answer["headers"]["X-Order"], 'say "hi"')
        nameless = self.route("--from", USER, "--at", MONDAY)
        self.assertIn("\nFrom: <sip:+447700900123@watrunk.example.com>;tag=RANDOM\n", nameless.stdout)
        self.assertEqual((answer["invite"]["request"], answer["invite"]["body"]),
                         ("INVITE sip:600@192.0.2.10:5060;transport=udp SIP/2.0", answer["sdp"]))
        self.assertIn(["X-Order", 'say "hi"'], answer["invite"]["headers"])
        self.assertTrue(answer["sdp"].startswith("v=0\r\n"))
        self.assertEqual((answer["mode"], answer["accept_on"], answer["gateways"]), ("serial", "answer", ["pbx"]))
        self.assertIn("\nmode: serial, accept_on: answer\n", run.stdout)

    def test_a_host_name_is_not_looked_up(self):
        for uri, via in (("sip:pbx.example.invalid", "SIP/2.0/UDP "), ("sip:pbx.example.invalid;transport=tcp", "SIP/2.0/TCP ")):
            path = self.config(("uri: sip:192.0.2.10:5060;transport=udp", "uri: " + uri))
            invite = json.loads(self.route("--from", USER, "--at", MONDAY, "--json", config=path).stdout)["invite"]
            self.assertTrue(invite["request"].startswith("INVITE sip:600@pbx.example.invalid"), invite["request"])
            self.assertTrue(dict(invite["headers"])["Via"].startswith(via), invite["headers"])

    def test_without_a_listener_for_it(self):
        path = self.config(("uri: sip:192.0.2.10:5060;transport=udp", "uri: sip:[2001:db8::7];transport=udp"))
        run = self.route("--from", USER, "--at", MONDAY, config=path, code=FAILED)
        self.assertIn("the INVITE to gateway pbx cannot be made", run.stderr)

    FAILOVER = ("          failover: [gateway_down, gateway_failed, congestion, no_answer]\n", "")

    def test_bridge_to_several_at_once(self):
        path = self.config(("gateways: [pbx]", "gateways: [pbx, agent]"), self.FAILOVER, ("mode: serial", "mode: parallel"))
        question = ("--from", USER, "--at", MONDAY)
        run = self.route(*question, config=path)
        self.assertIn("\nmode: parallel, accept_on: answer\n", run.stdout)
        self.assertEqual(re.findall(r'INVITE user "600" at gateway (\w+) ', run.stdout), ["pbx", "agent"])
        answer = json.loads(self.route(*question, "--json", config=path).stdout)
        self.assertEqual((answer["mode"], answer["gateway"], answer["gateways"]), ("parallel", "pbx", ["pbx", "agent"]))

    def test_accept_on_early_media(self):
        path = self.config(("accept_on: answer", "accept_on: early_media"))
        self.assertIn("\nmode: serial, accept_on: early_media\n", self.route("--from", USER, "--at", MONDAY, config=path).stdout)
        path = self.config(("accept_on: answer", "accept_on: early_media"), self.FAILOVER, ("mode: serial", "mode: parallel"))
        self.refused("accept_on: early_media needs mode: serial", "check", "-c", path)

    def test_reject_says_why_the_others_did_not_match(self):
        question = ("--from", USER, "--at", "2026-05-04T23:30Z")
        run = self.route(*question)
        self.assertEqual(run.stdout.splitlines()[:2],
                         ["   rule sales: outside the hours", "-> rule nights: every condition holds"])
        self.assertIn("\nreject: closed (", run.stdout)
        answer = json.loads(self.route(*question, "--json").stdout)
        self.assertEqual((answer["action"], answer["rule"], answer["cause"]), ("reject", "nights", "closed"))
        self.assertIn(answer["sip_code"], range(400, 700))

    def test_rule_name_with_quotes_is_json(self):
        """The name of a rejecting rule went into the JSON as it was."""
        path = self.config(("name: nights", "name: 'the \"nights\" \\ rule'"))
        answer = json.loads(self.route("--from", USER, "--at", "2026-05-04T23:30Z", "--json", config=path).stdout)
        self.assertEqual(answer["rule"], 'the "nights" \\ rule')

    def test_no_rule(self):
        path = self.config(("  - name: everything-else\n    actions:",
                            '  - name: everything-else\n    match:\n      from: "^never$"\n    actions:'))
        answer = json.loads(self.route("--from", "+33612345678", "--at", MONDAY, "--json", config=path).stdout)
        self.assertEqual((answer["action"], answer["rule"], answer["cause"]), ("reject", "", "no_route"))

    def test_user_without_number(self):
        answer = json.loads(self.route("--from", "user.id:7", "--at", MONDAY, "--json").stdout)
        self.assertEqual(answer["rule"], "everything-else")
        self.assertEqual(answer["headers"]["X-WA-User-Id"], "user.id:7")
        self.assertNotIn("X-WA-User", answer["headers"])

    def test_times(self):
        for text, rule in (("2026-05-04T09:30:59Z", "sales"), ("2026-05-04T09:30:00", "sales"), ("2026-05-04 09:30", "sales"),
                           ("2026-05-04T07:59Z", "everything-else"), # 08:59 in London
                           ("2028-02-29T12:00Z", "sales")):
            answer = json.loads(self.route("--from", USER, "--at", text, "--json").stdout)
            self.assertEqual(answer["rule"], rule, text)
        for text in ("", "now", "2026-05-04", "2026-13-04T09:30Z", "2026-02-30T09:30Z", "2026-05-04T25:00Z", MONDAY + "x"):
            run = self.route("--from", USER, "--at", text, code=USAGE)
            self.assertIn("--at", run.stderr)
            self.assertEqual(run.stdout, "")

    OTHERS = """
  - name: out
    match: {direction: outbound, gateway: agent}
    actions: [{whatsapp: {number: "+12025550123", timeout: 45, ringback: true}}]
  - name: out-not
    match: {direction: outbound, to: "^\\\\+99"}
    actions: [{reject: {cause: not_allowed}}]
  - name: call-me
    match: {direction: message, keywords: [falar]}
    actions: [{send_text: {text: "Hello {name}"}}, {call_back: {gateways: [pbx], order: agent_first}}]
  - name: over
    match: {direction: ended, status: missed}
    actions: [{send_text: {text: "{status} {cause} {duration}"}}]
  - name: out-asked
    match: {direction: outbound, to: "^\\\\+88"}
    actions: [{ask: {url: "https://crm.example.com/out", fallback: out-not}}]

# The call log"""

    def others(self):
        return self.config(("\n# The call log", self.OTHERS))

    def test_a_call_out(self):
        question = ("route-test", "-c", self.others(), "--direction", "outbound", "--to", USER, "--from", "201", "--gateway", "agent")
        run = self.result(OK, *question)
        for line in ("-> rule out: every condition holds", "whatsapp:", "  number: +12025550123", "  user: +447700900123",
                     "  timeout: 45", "  ringback: true", "  on_no_permission: refuse"):
            self.assertIn(line + "\n", run.stdout)
        answer = json.loads(self.result(OK, *question, "--json").stdout)
        self.assertEqual(answer, {"rule": "out", "actions": [{"whatsapp": {"number": "+12025550123", "user": USER, "timeout": 45,
                                                                           "ringback": True, "on_no_permission": "refuse"}}]})

    def test_a_call_out_that_is_not_made(self):
        question = ("route-test", "-c", self.others(), "--direction", "outbound", "--json", "--from", "201", "--to")
        self.assertEqual(json.loads(self.result(OK, *question, "+99123").stdout)["actions"],
                         [{"reject": {"cause": "not_allowed", "sip_code": 403}}])
        nobody = json.loads(self.result(OK, *question, "+77123").stdout)
        self.assertEqual((nobody["rule"], nobody["actions"][0]["reject"]["cause"]), ("", "no_route"))

    def test_numbers_that_are_off(self):
        """The INVITE was shown of a call that is rejected."""
        path = self.config(("inbound: true\n", "inbound: false\n"), ("outbound: true\n", "outbound: false\n"), ("\n# The call log", self.OTHERS))
        answer = json.loads(self.result(OK, "route-test", "-c", path, "--to", NUMBER, "--from", USER, "--json").stdout)
        self.assertEqual((answer["action"], answer["cause"], answer["sip_code"]), ("reject", "not_allowed", 403))
        out = ("route-test", "-c", path, "--direction", "outbound", "--gateway", "agent", "--from", "201", "--to", USER, "--json")
        self.assertEqual(json.loads(self.result(OK, *out).stdout)["actions"], [{"reject": {"cause": "not_allowed", "sip_code": 403}}])

    def test_a_number_without_its_country_code(self):
        """It was shown as called; the caller gets 404."""
        question = ("route-test", "-c", self.others(), "--direction", "outbound", "--gateway", "agent", "--from", "201", "--json", "--to")
        for number in ("07700900123", "00447700900123"):
            self.assertEqual(json.loads(self.result(OK, *question, number).stdout)["actions"],
                             [{"reject": {"cause": "not_found", "sip_code": 404}}])
        path = self.config(('number: "+12025550123"', 'number: "0012025550123"'))
        self.refused('numbers[0].number: "0012025550123" is not a phone number in international form', "check", "-c", path)

    def test_a_rule_that_asks(self):
        question = ("route-test", "-c", self.others(), "--direction", "outbound", "--from", "201", "--to", "+88123")
        run = self.result(OK, *question)
        self.assertTrue(run.stdout.endswith('ask:\n  url: https://crm.example.com/out\n  timeout: 1000\n  fallback: out-not\n'
                                            'without a usable answer, rule "out-not":\n  reject:\n    cause: not_allowed\n'
                                            '    sip_code: 403\n'), run.stdout)
        answer = json.loads(self.result(OK, *question, "--json").stdout)
        self.assertEqual(answer["without_answer"]["rule"], "out-not")

    def test_a_message(self):
        question = ("route-test", "-c", self.others(), "--direction", "message", "--to", NUMBER, "--from", USER, "--name", "Ana")
        run = self.result(OK, *question, "--text", "Quero FALÁR!")
        self.assertIn("   rule out: the direction differs\n-> rule call-me: every condition holds\n\nsend_text:\n  text: Hello Ana\n"
                      "call_back:\n  gateways: pbx\n  mode: serial\n  order: agent_first\n", run.stdout.replace("   rule out-not: the direction differs\n", ""))
        run = self.result(OK, *question, "--text", "hello")
        self.assertIn("   rule call-me: the text holds none of the keywords\n", run.stdout)
        self.assertTrue(run.stdout.endswith("\nnothing is done\n"), run.stdout)
        self.assertEqual(json.loads(self.result(OK, *question, "--json").stdout), {"rule": "", "actions": []})

    def test_an_ended_call(self):
        question = ("route-test", "-c", self.others(), "--direction", "ended", "--to", NUMBER, "--from", USER, "--json", "--status", "missed")
        answer = json.loads(self.result(OK, *question, "--cause", "no_answer", "--duration", "61", "--call", "inbound").stdout)
        self.assertEqual(answer["actions"], [{"send_text": {"text": "missed no_answer 1:01"}}])

    def test_options_of_another_direction(self):
        question = ("route-test", "-c", SAMPLE, "--to", NUMBER, "--from", USER)
        self.refused('--direction "sideways": inbound, outbound, message or ended', *question, "--direction", "sideways")
        self.refused("--text goes with --direction message", *question, "--text", "hi")
        self.refused("--gateway goes with --direction outbound", *question, "--direction", "ended", "--gateway", "pbx")
        self.refused('--duration "1m" is not a number of seconds', *question, "--direction", "ended", "--duration", "1m")

    def test_questions_that_are_no_call(self):
        self.refused("needs --to NUMBER and --from NUMBER", "route-test", "-c", SAMPLE)
        self.refused("needs --to NUMBER and --from NUMBER", "route-test", "-c", SAMPLE, "--to", NUMBER)
        self.refused("is not a phone number", "route-test", "-c", SAMPLE, "--to", "x", "--from", USER)
        run = self.result(FAILED, "route-test", "-c", SAMPLE, "--to", "+12025550999", "--from", USER)
        self.assertIn("+12025550999 is not one of the configured numbers", run.stderr)
        self.refused("/nonexistent", "route-test", "-c", "/nonexistent", "--to", NUMBER, "--from", USER)


class AdminPeer(http.server.BaseHTTPRequestHandler):
    """The admin interface of a running watrunk with one call."""
    call = {"id": "c-7f3a9c2145e0", "state": "talking", "number": NUMBER, "user": USER, "gateway": "pbx", "user_name": "Ann"}

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def authorized(self):
        if self.headers.get("Authorization") == "Bearer " + SECRETS["WATRUNK_ADMIN_TOKEN"]:
            return True
        self.answer(401, {})
        return False

    def do_GET(self):
        if self.authorized():
            self.answer(200, {"calls": [self.call]})

    def do_POST(self):
        if self.authorized():
            known = self.path == f"/v1/calls/{self.call['id']}/hangup"
            self.answer(200 if known else 404, {"id": self.call["id"], "ended": True} if known else
                        {"title": "Not found", "detail": "no live call has this id"})

    def log_message(self, *args):
        pass


class RunningProgram(Cli):
    def setUp(self):
        super().setUp()
        self.peer = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AdminPeer)
        thread = threading.Thread(target=self.peer.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.peer.server_close)
        self.addCleanup(self.peer.shutdown)
        self.listen = ("listen: 127.0.0.1:8081", f"listen: 127.0.0.1:{self.peer.server_port}")

    def test_live_calls(self):
        path = self.config(self.listen)
        lines = self.result(OK, "calls", "-c", path).stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(re.split(r"\s+", lines[1]), ["c-7f3a9c2145e0", "talking", NUMBER, USER, "pbx", "Ann"])
        self.assertEqual(lines[2], "1 live")
        self.assertEqual(json.loads(self.result(OK, "calls", "-c", path, "--json").stdout), {"calls": [AdminPeer.call]})

    def test_hangup(self):
        path = self.config(self.listen)
        self.assertEqual(self.result(OK, "hangup", "c-7f3a9c2145e0", "-c", path).stdout, "c-7f3a9c2145e0 ended\n")
        self.assertEqual(json.loads(self.result(OK, "hangup", "c-7f3a9c2145e0", "-c", path, "--json").stdout)["ended"], True)
        for other in ("c-000000000000", "a/b", "c-7f3a9c2145e0?x=2"):
            run = self.result(FAILED, "hangup", "-c", path, other)
            self.assertEqual((run.stdout, run.stderr), ("", "watrunk: Not found: no live call has this id\n"))

    def test_wrong_token(self):
        path = self.config(self.listen, ("token: env:WATRUNK_ADMIN_TOKEN", "token: another-secret-one"))
        for args in (("calls",), ("hangup", "c-1")):
            run = self.result(FAILED, *args, "-c", path)
            self.assertIn("admin.token", run.stderr)
            self.assertNotIn("another-secret-one", run.stdout + run.stderr)

    def test_nothing_runs(self):
        path = self.config(self.listen)
        self.peer.shutdown()
        self.peer.server_close()
        for args in (("calls",), ("calls", "--json"), ("hangup", "c-1")):
            run = self.result(FAILED, *args, "-c", path)
            self.assertIn("Is watrunk running", run.stderr)
            self.assertEqual(run.stdout, "")

    def test_history_without_a_call_log(self):
        path = self.config(("sqlite:/var/lib/watrunk/calls.db", f"sqlite:{self.directory.name}/none.db"))
        run = self.result(FAILED, "calls", "--history", "-c", path)
        self.assertIn("none.db", run.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.directory.name, "none.db")))


if __name__ == "__main__":
    unittest.main(verbosity=1)
