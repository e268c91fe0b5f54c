"""An HTTP server of a story's own: receives events, or is asked for routes; can be dead, slow, or wrong."""
import contextlib
import hashlib
import hmac
import http.server
import json
import socketserver
import threading

from harness import WAIT_S, check, until


class Receiver:
    """answer(path, body) -> (status, JSON value or None). What came is in .got, in order."""

    def __init__(self, rig, answer=None, port=None, secret=None):
        self.port, self.secret, self.got, self.faults = port or rig.ports.one(), secret, [], []
        self.answer, self.server, self.changed = answer or (lambda path, body: (204, None)), None, threading.Condition()
        self.start()

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.take(self.path, dict(self.headers), raw)
                status, value = receiver.answer(self.path, json.loads(raw))
                body = b"" if value is None else json.dumps(value).encode()
                with contextlib.suppress(ConnectionError):      # who asked may have given up, or died
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads, allow_reuse_address = True, True
        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def take(self, path, headers, raw):
        if self.secret:
            signature = headers.get("X-Watrunk-Signature", "")
            parts = dict(x.split("=", 1) for x in signature.split(",") if "=" in x)
            right = hmac.new(self.secret.encode(), parts.get("t", "").encode() + b"." + raw, hashlib.sha256).hexdigest()
            if parts.get("v1") != right:
                self.faults.append(f"wrong signature: {signature!r}")
        self.got.append(json.loads(raw))

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    # events

    def types(self, subject=None):
        return [e["type"].removeprefix("com.watrunk.") for e in list(self.got) if subject in (None, e.get("subject"))]

    def wait_type(self, kind, timeout=WAIT_S):
        until(lambda: kind in self.types(), f"event {kind}; got {self.types()}", timeout)
        return next(e for e in self.got if e["type"] == "com.watrunk." + kind)

    def check(self):
        check(not self.faults, f"event receiver: {self.faults}")

    def close(self):
        self.stop()
