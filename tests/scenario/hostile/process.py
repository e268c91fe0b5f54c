#!/usr/bin/python3
"""A starved machine and clumsy operators: no descriptors, no ports, a locked database, nobody who reads the log, odd admin requests."""
import contextlib
import fcntl
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import time

from harness import ADMIN, WATRUNK, check, equal, main, until
from sip_peer import SipPeer
from webhook import raw, status_of


def answers(call):
    call.reply(100)
    call.answer()
    call.expect("BYE", timeout=60)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def story_no_descriptors(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=300).report()
    w.wait_records(1)
    limits = resource.prlimit(w.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(w.pid, resource.RLIMIT_NOFILE, (w.fds() + 2, limits[1]))
    sim = rig.metasim(calls=3, at_once=1, give_up_ms=2000)
    w.wait_event("media_refused", timeout=30)
    sim.kill()
    with contextlib.ExitStack() as stack:  # more connections than it can take: it must not spin
        for _ in range(10):
            stack.enter_context(socket.create_connection(("127.0.0.1", rig.webhook_port), timeout=5))
        before = cpu_s(w.pid)
        time.sleep(1)
        used = cpu_s(w.pid) - before
        check(used < 0.5, f"{used:.2f} s of CPU in a second without descriptors")
    resource.prlimit(w.pid, resource.RLIMIT_NOFILE, limits)
    meta, = rig.metasim(talk_ms=500).report()
    equal(meta["ended_by"], "user", "a call with descriptors again")
    peer.wait_done()
    w.wait_event("call_ended", count=3)


def story_no_ports(rig):
    """Four WhatsApp ports, two of RTP: the third call is refused."""
    first_wa, first_rtp = int(rig.ports.webrtc.split("-")[0]), int(rig.ports.rtp.split("-")[0])
    w = rig.watrunk(media={"webrtc_ports": f"{first_wa}-{first_wa + 3}", "rtp_ports": f"{first_rtp}-{first_rtp + 3}"})
    peer = rig.add(SipPeer(rig, answers))
    metas = rig.metasim(calls=6, at_once=6, talk_ms=1500, give_up_ms=5000).report(violations=(".",))
    w.wait_records(6)
    peer.wait_done()
    equal(sorted(m["ended_by"] for m in metas), ["business"] * 4 + ["user"] * 2, "ended by")
    equal(len(w.events("media_refused")), 4, "refused for lack of ports")


def story_stopped_twice(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, lambda call: call.reply(180)))
    sim = rig.metasim(give_up_ms=30000)
    w.wait_event("sip_progress", code=180)
    w.signal(signal.SIGTERM)
    w.wait_event("stopping")
    started = time.monotonic()
    w.signal(signal.SIGTERM)
    equal(w.wait(15), 0, "exit code")
    check(time.monotonic() - started < 8, "the second signal forces")
    w.check_output()
    equal(len(w.records()), 1, "records")
    sim.kill()


def story_locked_database(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    with contextlib.closing(sqlite3.connect(rig.dir / "calls.db", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        for meta in rig.metasim(calls=3, at_once=1, talk_ms=300).report():
            equal(meta["ended_by"], "user", "ended by, with the database locked")
        equal(w.admin("GET", "/healthz")[0], 200, "status of /healthz")
        started = time.monotonic()
        w.counters()
        check(time.monotonic() - started < 1, "the control thread waits for the database")
        db.execute("ROLLBACK")
    w.wait_records(3, timeout=30)
    peer.wait_done()


def story_nobody_reads_the_log(rig):
    """First a full pipe, then a broken one."""
    config = rig.config()
    path = rig.dir / "w.yaml"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    peer = rig.add(SipPeer(rig, answers))
    for broken in (False, True):
        read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, 1031, 4096)  # F_SETPIPE_SZ
        w = subprocess.Popen([WATRUNK, "run", "-c", str(path)], stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end)
        try:
            os.close(write_end)
            until(lambda: status_of_health(rig) == 200, "watrunk", 30)
            if broken:
                os.close(read_end)
            for meta in rig.metasim(calls=4, at_once=2, talk_ms=300).report():
                equal(meta["ended_by"], "user", "ended by")
            w.send_signal(signal.SIGTERM)
            equal(w.wait(20), 0, "exit code")
        finally:
            w.kill()
            w.wait()
            if not broken:
                os.close(read_end)
    peer.wait_done()


def status_of_health(rig):
    with contextlib.suppress(OSError):
        return status_of(raw(rig, b"GET /healthz HTTP/1.0\r\n\r\n", port=rig.admin_port))


def story_odd_admin_requests(rig):
    w = rig.watrunk()

    def ask(line, token=ADMIN, more=b""):
        head = b"Authorization: Bearer " + token.encode() + b"\r\n" if token is not None else b""
        return status_of(raw(rig, line + b" HTTP/1.1\r\nHost: x\r\n" + head + more + b"\r\n", port=rig.admin_port))
    for token in (None, "", "x", ADMIN + "x", ADMIN[:-1], ADMIN.upper(), "a" * 20000):
        check(ask(b"GET /v1/calls", token) in (401, 431), f"status with token {str(token)[:20]!r}")
    for line, wanted in ((b"GET /", 404), (b"POST /", 404), (b"POST /v1", 404), (b"GET /v1/calls/", 404), (b"GET /v1/calls//hangup", 404),
                         (b"POST /v1/calls/x/hangup", 404), (b"POST /v1/calls/" + b"x" * 5000 + b"/hangup", 404), (b"GET /v1/calls/" + b"x" * 63, 404),
                         (b"GET /v1/calls/%27%3B--", 404), (b"GET /v1/calls/%ff%fe", 404), (b"GET /v1/calls/a%00b", 404), (b"GET /v1/calls/../../etc/passwd", 404),
                         (b"DELETE /v1/calls", 405), (b"GET /v1/history?limit=-1", 400), (b"GET /v1/history?limit=99999999999999999999", 400),
                         (b"GET /v1/history?number=%27", 400), (b"GET /v1/history?status=x%27", 400), (b"GET /v1/history?limit=1&offset=4294967295", 200),
                         (b"GET /v1/history?from=9223372036854775807&to=1", 200), (b"GET /v1/calls?x=" + b"y" * 3000, 200)):
        equal(ask(line), wanted, f"status of {line[:60]!r}")
    equal(ask(b"POST /v1/calls/x/hangup", more=b"Content-Length: 9999999\r\n"), 413, "status of a huge body")
    equal(w.gauges()["calls"], 0, "calls")
    check(all(ADMIN not in str(line) for line in w.lines), "the token is in the log")


if __name__ == "__main__":
    main()
