#!/usr/bin/python3
"""What the open internet, and a signer gone mad, may send to the webhook port: watrunk refuses it and goes on serving."""
import contextlib
import hashlib
import hmac
import json
import resource
import socket
import time

from deliveries import connect, delivery, sdp, terminate
from harness import APP_SECRET, check, equal, main
from sip_peer import SipPeer

def rejects(call):
    call.reply(486)
    call.expect("ACK")


def alive(rig):
    """It still serves Meta: its answer to a signed delivery."""
    equal(rig.post_webhook({"object": "whatsapp_business_account", "entry": []})[0], 200, "status of an empty delivery")


def raw(rig, data, timeout=1, port=None):
    """The first bytes of the answer to these bytes; b'' when the connection is closed or nothing comes."""
    with socket.create_connection(("127.0.0.1", port or rig.webhook_port), timeout=timeout) as s:
        with contextlib.suppress(OSError):
            s.sendall(data)
            return s.recv(4096)
    return b""


def status_of(answer):
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else None


def story_malformed_http(rig):
    rig.watrunk()
    post = b"POST /webhook HTTP/1.1\r\nHost: x\r\n"
    for data, statuses in (
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), (None, 400)),  # TLS to a plain port
            (b"GET / HTTP/9.9\r\n\r\n", (None, 400, 404, 505)),
            (b"\0" * 5000, (None, 400)),
            (post + b"X: " + b"a" * 200000 + b"\r\n\r\n", (None, 400, 413, 431)),
            (post + b"".join(b"X-%d: y\r\n" % n for n in range(20000)) + b"\r\n", (None, 400, 413, 431)),
            (post + b"Content-Length: -1\r\n\r\n", (None, 400, 413)),
            (post + b"Content-Length: 99999999999999999999999\r\n\r\n", (None, 400, 413)),
            (post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
            (post + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx", (None, 400, 413)),
            (post + b"Content-Length: 0\r\n\r\n", (401,)),
            (post + b"Content-Length: 0\r\nX-Hub-Signature-256: sha256=" + b"g" * 64 + b"\r\n\r\n", (401,)),
            (post + b"Content-Length: 0\r\nX-Hub-Signature-256: sha256=\r\nX-Hub-Signature-256: sha256=\r\n\r\n", (401,)),
            (b"GET /webhook?hub.mode=subscribe&hub.verify_token=%00&hub.challenge=1 HTTP/1.1\r\nHost: x\r\n\r\n", (403,)),
            (b"DELETE /webhook HTTP/1.1\r\nHost: x\r\n\r\n", (405,)),
            (b"GET /webhook/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", (404,)),
            (b"GET " + b"/" * 60000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (None, 400, 404, 414, 431))):
        answer = raw(rig, data)
        check(status_of(answer) in statuses, f"answer to {data[:80]!r}: {answer[:60]!r}")
    alive(rig)


def story_slow_and_many_connections(rig):
    """600 half requests that never end: at most so many are held as are allowed, and the operator is served meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    w = rig.watrunk()
    fds, held = w.fds(), []
    with contextlib.ExitStack() as stack:
        for n in range(600):
            s = stack.enter_context(socket.create_connection(("127.0.0.1", rig.webhook_port), timeout=5))
            with contextlib.suppress(OSError):
                s.sendall(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n" + (b"\r\nabc" if n % 2 else b"X-A: "))
                held.append(s)
        equal(w.admin("GET", "/healthz")[0], 200, "status of /healthz during it")
        check(w.fds() - fds < 600, f"{w.fds() - fds} more descriptors")
    alive(rig)


def story_wrong_signatures(rig):
    w = rig.watrunk()
    before = w.counters()["webhook_bad_signature"]
    body = json.dumps(delivery(connect("wacid.x"))).encode()
    signed = "sha256=" + hmac.new(b"not the secret", body, hashlib.sha256).hexdigest()
    with socket.create_connection(("127.0.0.1", rig.webhook_port), timeout=10) as s:
        for _ in range(300):
            s.sendall(b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n" % (signed.encode(), len(body)) + body)
            got = b""
            while b"\n\n" not in got and not got.endswith(b"signature\n"):
                got += s.recv(4096)
            equal(status_of(got), 401, "status")
    equal(w.counters()["webhook_bad_signature"] - before, 300, "counted")
    equal(w.gauges()["calls"], 0, "calls")


def story_hostile_json(rig):
    """Signed, and mad. None of it makes a call; all of it is answered; Meta is served afterwards."""
    w = rig.watrunk(log={"level": "info", "format": "json"})
    wrong = [None, True, -1, 1e308, "", "x" * 100000, [], [[]], {}, {"id": {}}]
    shapes = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{\"object\":\"whatsapp_business_account\",\"entry\":" + b"[" * 100000,
              b"[" * 31 + b"]" * 31, b'{"entry":[' + b"[],".join([b""] * 20000) + b"[]]}", b'{"a":"' + b"\\u0000" * 100000 + b'"}']
    for body in shapes:
        check(rig.post_webhook(body)[0] in (200, 400), f"status for {body[:40]!r}")
    for value in wrong:
        for body in ({"object": value, "entry": []}, {"entry": value}, {"entry": [value]}, {"entry": [{"changes": value}]},
                     {"entry": [{"changes": [value]}]}, {"entry": [{"changes": [{"field": value, "value": value}]}]},
                     {"entry": [{"changes": [{"field": "calls", "value": value}]}]}):
            check(rig.post_webhook(body)[0] in (200, 400), f"status for {str(body)[:80]}")
        for key in ("id", "from", "event", "timestamp", "session", "direction", "to"):
            if key == "id" and isinstance(value, str) or key in ("from", "to", "direction", "timestamp"):
                continue
            equal(rig.post_webhook(delivery(connect("wacid.w", **{key: value})))[0], 200, f"status with {key}={str(value)[:20]}")
    for wacid in ("w" * 10240, "w" * 257, "a\0b", ""):
        equal(rig.post_webhook(delivery(connect(wacid)))[0], 200, "status")
    for change in ({"sdp": "x" * 1000000}, {"sdp": sdp(5000) + "a=x\r\n"}, {"sdp": sdp(1, "a=" + "y" * 100000 + "\r\n")}, {"sdp": "v=0"},
                   {"sdp": sdp() * 50}, {"sdp": sdp().replace("\r\n", "\0")}, {"sdp_type": "answer", "sdp": sdp()},
                   {"sdp": sdp().replace("111 126", " ".join(map(str, range(128))))}):
        call = connect(f"wacid.s{len(str(change))}", session={"sdp_type": "offer", **change}, direction="USER_INITIATED")
        equal(rig.post_webhook(delivery(call))[0], 200, "status")
        rig.post_webhook(delivery(terminate(call["id"])))
    alive(rig)
    w.check_output()


def story_strange_ids_and_many_calls(rig):
    """wacids with quotes, line ends and slashes; times in the future; 1000 calls in one POST; all end, and nothing is left of them."""
    ids = ['a"b', "a\nb\r\nc", "a'; DROP TABLE calls; --", "../../x", "\u202e\u0001", "%s%n%x", "é" * 100]
    peer = rig.add(SipPeer(rig, rejects))
    graph = rig.metasim(calls=1, give_up_ms=1)  # somebody answers at Graph's address
    w = rig.watrunk(numbers=[rig.number(max_calls=100)])
    for wacid in ids:
        equal(rig.post_webhook(delivery(connect(wacid)))[0], 200, "status")
    for when in (str(2**63 - 1), str(2**64), "99999999999", "-5", 1e14, 2**62):
        equal(rig.post_webhook(delivery(connect(f"wacid.t{when}", timestamp=when)))[0], 200, "status")
        rig.post_webhook(delivery({**terminate(f"wacid.u{when}"), "timestamp": when, "start_time": when, "end_time": when, "duration": when}))
    started = time.monotonic()
    equal(rig.post_webhook(delivery(*[connect(f"wacid.{n}") for n in range(1000)]), timeout=10)[0], 200, "status of 1000 calls")
    alive(rig)
    took = time.monotonic() - started
    check(took < 8, f"1000 calls in a POST kept the next one waiting {took:.1f} s")
    rig.post_webhook(delivery(*[terminate(f"wacid.{n}") for n in range(1000)], *[terminate(i) for i in ids]))
    peer.strays.clear()
    w.check_idle(40, lingering=False)
    for line in (rig.dir / "watrunk.log").read_text().splitlines():
        json.loads(line)
    records = w.records()
    check(len(records) == 1000, f"{len(records)} records (the listing's limit is 1000)")
    graph.kill()


if __name__ == "__main__":
    main()
