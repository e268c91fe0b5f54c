#!/usr/bin/python3
"""A Graph API gone mad: whatever it answers, the call ends in time, is recorded, and the next one is not harmed."""
import contextlib
import json
import socket
import threading
import time

from deliveries import connect, delivery
from harness import check, equal, main, until
from sip_peer import SipPeer


class MadGraph:
    """Answers every POST with script(connection); everything else (the warm-up) with an empty 200."""

    def __init__(self, rig):
        self.script, self.open = None, []
        self.socket = socket.create_server(("127.0.0.1", rig.graph_port), reuse_port=False)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.open.append(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            while True:
                data = b""
                while b"\r\n\r\n" not in data:
                    more = connection.recv(65536)
                    if not more:
                        return
                    data += more
                head, _, body = data.partition(b"\r\n\r\n")
                if not head.startswith(b"POST"):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    continue
                length = int(next(l.split(b":")[1] for l in head.split(b"\r\n") if l.lower().startswith(b"content-length")))
                while len(body) < length:
                    body += connection.recv(65536)
                self.script(connection)

    def drop(self):
        """End every connection: a script may still be busy with it."""
        while self.open:
            with contextlib.suppress(OSError):
                self.open.pop().shutdown(socket.SHUT_RDWR)

    def close(self):
        self.socket.close()
        self.drop()


def answer(body, status="200 OK", headers=b""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 " + status.encode() + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body) + headers + b"\r\n" + body


def endless(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(600):
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.1)


def huge(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" " * 1048576)


SCRIPTS = [
    huge, endless,
    lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100000)) + b"\r\n"),
    lambda c: c.sendall(b"\0" * 1000),
    lambda c: c.close(),
    lambda c: (c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"success\""), c.close()),
    lambda c: c.sendall(answer(b"{\"success\": tr")),
    lambda c: c.sendall(answer(b"[" * 100000)),
    lambda c: c.sendall(answer({"error": {"code": 2**63 - 1, "message": "x\n\"y" * 9000, "error_data": {"details": "z" * 90000}}})),
    lambda c: c.sendall(answer({"error": "text", "success": True})),
    lambda c: c.sendall(answer({"success": "yes"})),
    lambda c: c.sendall(answer({}, "302 Found", b"Location: file:///etc/passwd\r\n")),
    lambda c: c.sendall(answer({}, "307 Temporary Redirect", b"Location: /again\r\n")),
    lambda c: c.sendall(answer({}, "429 Too Many", b"Retry-After: 99999999999999\r\n")),
    lambda c: c.sendall(answer({}, "500 X") + answer({"success": True}) * 3),
    lambda c: c.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    lambda c: c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 500 + answer({"success": True})),
]


def story_mad_answers(rig):
    graph = rig.add(MadGraph(rig))
    w = rig.watrunk(graph={"base_url": f"http://127.0.0.1:{rig.graph_port}", "timeout_ms": 1000}, log={"level": "info", "format": "json"})
    rig.add(SipPeer(rig, lambda call: (call.reply(486), call.expect("ACK"))))
    rss = w.rss_kb()
    for n, mad in enumerate(SCRIPTS):
        graph.script = mad
        started = time.monotonic()
        equal(rig.post_webhook(delivery(connect(f"wacid.g{n}")))[0], 200, "status")
        w.wait_event("call_ended", count=n + 1, timeout=30)
        check(time.monotonic() - started < 12, f"script {n} held its call {time.monotonic() - started:.1f} s")
        until(lambda: not w.gauges()["graph_pending"], f"requests of script {n}", 30)
        graph.drop()
    w.wait_records(len(SCRIPTS))
    check(w.rss_kb() - rss < 100000, f"{w.rss_kb() - rss} KB more")
    secret = (rig.dir / "watrunk.log").read_text()
    check("graph-token" not in secret and "app-secret" not in secret, "a secret is in the log")


if __name__ == "__main__":
    main()
