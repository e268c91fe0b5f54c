#!/usr/bin/python3
"""The commands that ask the API of a running watrunk: test_api_commands.py WATRUNK

The API is played here: what a command asks is compared, and what it makes of the answer.
"""
import http.server
import json
import threading
import unittest

from test_cli import FAILED, NUMBER, OK, SECRETS, USAGE, USER, Cli


class Peer(http.server.BaseHTTPRequestHandler):
    asked = []
    answer = (200, {})

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.headers.get("Authorization") != "Bearer " + SECRETS["WATRUNK_ADMIN_TOKEN"]:
            status, reply = 401, {}
        else:
            Peer.asked.append((self.command, self.path, json.loads(body) if body else None))
            status, reply = Peer.answer
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = handle_any

    def log_message(self, *args):
        pass


PERMISSION = {"user": USER, "number": NUMBER, "status": "temporary", "source": "user", "expires_ms": 1763708751123,
              "request_pending": True}


class ApiCommands(Cli):
    def setUp(self):
        super().setUp()
        peer = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peer)
        thread = threading.Thread(target=peer.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(peer.server_close)
        self.addCleanup(peer.shutdown)
        self.path = self.config(("listen: 127.0.0.1:8081", f"listen: 127.0.0.1:{peer.server_port}"))
        Peer.asked = []

    def ask(self, answer, *args, code=OK):
        """Runs the command; what it said, and what it asked."""
        Peer.answer = answer
        Peer.asked = []
        run = self.result(code, *args, "-c", self.path)
        self.assertLessEqual(len(Peer.asked), 1)
        return run, Peer.asked[0] if Peer.asked else None

    def test_call(self):
        run, asked = self.ask((202, {"id": "c-1", "state": "opening"}), "call", USER, "--gateway", "pbx", "--user", "200")
        self.assertEqual(asked, ("POST", "/v1/calls", {"to": USER, "gateway": "pbx", "user": "200"}))
        self.assertEqual((run.stdout, run.stderr), ("c-1 opening\n", ""))
        run, asked = self.ask((202, {"id": "c-1", "state": "parked", "expires_ms": 1763708751123}), "call", "US.1", "--uri",
                              "sip:a@b", "--number", NUMBER, "--user-first", "--ring", "30", "--agent-ring", "20",
                              "--caller-id", "x", "--display-name", "Café", "--payload", "p", "--header", "X-A: 1:2",
                              "--header", "X-B:", "--request", "--park", "60", "--text", "May we?", "--template", "ask",
                              "--language", "de", "--parameter", "Ann", "--parameter", "Bob")
        self.assertEqual(asked[2], {
            "user_id": "US.1", "uri": "sip:a@b", "number": NUMBER, "order": "user_first", "ring_s": 30, "agent_ring_s": 20,
            "caller_id": "x", "display_name": "Café", "payload": "p", "on_no_permission": "request", "park_s": 60,
            "headers": [{"name": "X-A", "value": "1:2"}, {"name": "X-B", "value": ""}], "request_text": "May we?",
            "request_template": {"name": "ask", "language": "de", "parameters": ["Ann", "Bob"]}})
        self.assertEqual(run.stdout, "c-1 parked until 2025-11-21 07:05:51 UTC\n")

    def test_live_call(self):
        for args, path, body, answer, said in (
                (("transfer", "c-1", "--gateway", "pbx", "--user", "300"), "transfer", {"gateway": "pbx", "user": "300"},
                 (202, {"id": "c-1"}), "c-1: the target is being rung\n"),
                (("hold", "c-1"), "hold", {"on": True}, (200, {"id": "c-1", "on": True}), "c-1 on hold\n"),
                (("resume", "c-1"), "hold", {"on": False}, (200, {"id": "c-1", "on": False}), "c-1 resumed\n"),
                (("dtmf", "c-1", "12#"), "dtmf", {"digits": "12#", "to": "sip"}, (202, {"id": "c-1", "to": "sip"}),
                 "c-1: sending to sip\n"),
                (("dtmf", "c-1", "1", "--to", "user"), "dtmf", {"digits": "1", "to": "user"}, (202, {"id": "c-1", "to": "user"}),
                 "c-1: sending to user\n"),
                (("mute", "c-1"), "mute", {"side": "sip", "on": True}, (200, {"id": "c-1", "side": "sip", "on": True}), "c-1: sip muted\n"),
                (("unmute", "c-1", "--side", "user"), "mute", {"side": "user", "on": False},
                 (200, {"id": "c-1", "side": "user", "on": False}), "c-1: user heard again\n"),
                (("recording", "c-1", "pause"), "recording", {"action": "pause"}, (202, {"id": "c-1", "action": "pause"}), "c-1: pause\n"),
                (("fork", "c-1", "start", "--to", "127.0.0.1:9000", "--directions", "user", "--format", "l16"), "fork",
                 {"action": "start", "to": "127.0.0.1:9000", "directions": "user", "format": "l16"},
                 (202, {"id": "c-1", "action": "start"}), "c-1: start\n"),
                (("fork", "c-1", "stop"), "fork", {"action": "stop"}, (202, {"id": "c-1", "action": "stop"}), "c-1: stop\n")):
            run, asked = self.ask(answer, *args)
            self.assertEqual(asked, ("POST", "/v1/calls/c-1/" + path, body))
            self.assertEqual(run.stdout, said)
        _, asked = self.ask((404, {}), "hold", "../x y?z", code=FAILED)
        self.assertEqual(asked[1], "/v1/calls/..%2Fx%20y%3Fz/hold")

    def test_permissions(self):
        run, asked = self.ask((200, {"permissions": [PERMISSION], "next": "MQo"}), "permissions", "list", "--status", "temporary",
                              "--user", USER, "--limit", "5")
        self.assertEqual(asked, ("GET", "/v1/permissions?status=temporary&user=%2B447700900123&limit=5", None))
        lines = run.stdout.splitlines()
        self.assertEqual(lines[1].split(), [USER, NUMBER, "temporary", "2025-11-21", "07:05:51", "asked", "user"])
        self.assertEqual(lines[2], "more: --cursor MQo")
        _, asked = self.ask((200, PERMISSION), "permissions", "get", USER, "--refresh")
        self.assertEqual(asked, ("GET", "/v1/permissions/%2B447700900123?refresh=true", None))
        run, asked = self.ask((202, PERMISSION), "permissions", "request", USER, "--text", "May we?", "--json")
        self.assertEqual(asked, ("POST", "/v1/permissions/%2B447700900123/request", {"text": "May we?"}))
        self.assertEqual(json.loads(run.stdout), PERMISSION)

    def test_parked(self):
        parked = {"id": "c-1", "user": USER, "number": NUMBER, "gateway": None, "created_ms": 1763708751123, "expires_ms": None}
        run, asked = self.ask((200, {"parked": [parked]}), "parked", "list")
        self.assertEqual(asked, ("GET", "/v1/parked", None))
        self.assertEqual(run.stdout.splitlines()[1].split(), ["c-1", USER, NUMBER, "2025-11-21", "07:05:51", "-"])
        self.assertEqual(run.stdout.splitlines()[2], "1 parked")
        run, asked = self.ask((200, {"id": "c-1", "cancelled": True}), "parked", "cancel", "c-1")
        self.assertEqual((asked, run.stdout), (("DELETE", "/v1/parked/c-1", None), "c-1 cancelled\n"))

    def test_send(self):
        run, asked = self.ask((201, {"wamid": "wamid.X"}), "send", USER, "--text", "Hi")
        self.assertEqual((asked, run.stdout), (("POST", "/v1/messages", {"type": "text", "to": USER, "text": "Hi"}), "sent: wamid.X\n"))
        _, asked = self.ask((201, {}), "send", USER, "--text", "Hi", "--button", "Call", "--payload", "p", "--ttl", "60")
        self.assertEqual(asked[2], {"type": "call_button", "to": USER, "text": "Hi", "button_text": "Call", "payload": "p",
                                    "ttl_minutes": 60})
        _, asked = self.ask((201, {}), "send", USER, "--template", "n", "--language", "de")
        self.assertEqual(asked[2], {"type": "template", "to": USER, "template": {"name": "n", "language": "de"}})

    def test_refusals(self):
        problem = {"type": "/problems/no-permission", "title": "The user has not allowed calls", "detail": "it has expired",
                   "status": 403, "meta_code": 138006}
        for status, code in ((403, FAILED), (409, FAILED), (503, FAILED), (400, USAGE)):
            run, _ = self.ask((status, problem), "call", USER, "--gateway", "pbx", code=code)
            self.assertEqual((run.stdout, run.stderr),
                             ("", "watrunk: The user has not allowed calls: it has expired (Meta's error 138006)\n"))
        run, _ = self.ask((403, problem), "call", USER, "--gateway", "pbx", "--json", code=FAILED)
        self.assertEqual(json.loads(run.stdout), problem)
        run, _ = self.ask((500, {}), "call", USER, "--gateway", "pbx", code=FAILED)
        self.assertIn("HTTP 500", run.stderr)

    def test_command_lines_that_are_wrong(self):
        for args, word in ((("call",), "usage: watrunk call USER"), (("call", "a", "b"), "usage"),
                           (("call", USER, "--frobnicate"), "unrecognized option"),
                           (("call", USER, "--ring", "soon"), "a whole number"),
                           (("call", USER, "--header", "X-A"), "Name: value"), (("call", USER, "--text", b"\xff"), "must be UTF-8"),
                           (("hold",), "usage"), (("resume", "a", "b"), "usage"), (("dtmf", "c-1"), "usage"),
                           (("transfer",), "usage"), (("permissions",), "permissions request"),
                           (("permissions", "grant"), "permissions list"), (("permissions", "get"), "usage"),
                           (("parked", "list", "x"), "usage"), (("recording", "c-1"), "usage: watrunk recording ID start|pause"),
                           (("fork", "c-1"), "usage: watrunk fork ID start"), (("mute",), "usage: watrunk mute ID"),
                           (("parked", "cancel"), "usage"), (("send",), "usage")):
            run, asked = self.ask((200, {}), *args, code=USAGE)
            self.assertIn(word, run.stderr, args)
            self.assertEqual((run.stdout, asked), ("", None), args)


if __name__ == "__main__":
    unittest.main(verbosity=1)
