#!/usr/bin/python3
"""Packets that do not belong, at the media ports of a call that is up: the call goes on, and its voices stay its own."""
import os
import random
import socket
import struct
import time

from deliveries import connect, delivery, sdp, terminate
from harness import check, equal, main
from rtp_peer import TONES
from sip_peer import SipPeer


def udp(host="127.0.0.1"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((host, 0))
    return s


def bound_ports(w, span):
    """Our program's UDP ports in the range."""
    low, high = map(int, span.split("-"))
    inodes = set()
    for fd in os.listdir(f"/proc/{w.pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{w.pid}/fd/{fd}"))
        except OSError:
            continue
    with open("/proc/net/udp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    ports = [int(r[1].split(":")[1], 16) for r in rows if f"socket:[{r[9]}]" in inodes]
    return [p for p in ports if low <= p <= high]


def rtp(seq, ts, ssrc, pt=0, payload=TONES[0], first=0x80):
    return struct.pack(">BBHII", first, pt, seq & 0xFFFF, ts & 0xFFFFFFFF, ssrc) + payload


def stun(kind=1, attributes=b"", length=None):
    return struct.pack(">HHI", kind, len(attributes) if length is None else length, 0x2112A442) + os.urandom(12) + attributes


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def noise(rng, count):
    """Bytes that look like each of the protocols, and like none."""
    for n in range(count):
        yield rng.choice((
            b"", b"\0", os.urandom(rng.randrange(1, 60)), os.urandom(1400), os.urandom(9000),
            rtp(n, n * 160, 0xBAD), rtp(n, n, 0xBAD, pt=rng.randrange(128), payload=b""), rtp(n, n, 0xBAD, first=0xBF),
            rtp(n, n, 0xBAD, first=0x90, payload=b"\xbe\xde\xff\xff"), b"\x80\xc8\x00\x06" + os.urandom(24), b"\x81\xcb\x00\x01\0\0\0\1",
            b"\x80\xc8\xff\xff" + os.urandom(8), b"\x16\xfe\xfd" + os.urandom(200), b"\x15\xfe\xfd\0\0\0\0\0\0\0\0\0\2\2\x28", b"\x14\xfe\xff\0\0\xff\xff\xff\xff\xff\xff\0\1\1",
            stun(), stun(length=65532), stun(0x101, attribute(0x20, os.urandom(8))),
            stun(1, attribute(6, b"abcd:efgh") + attribute(0x8029, os.urandom(8)) + attribute(0x25, b"") + attribute(8, os.urandom(20))),
            stun(1, attribute(6, b"x" * 600)), stun(0x111, attribute(9, b"\0\0\4\x57"))))


def story_noise_at_every_port(rig):
    """From a stranger's address and from the gateway's machine, at the WhatsApp port, RTP and RTCP."""
    w = rig.watrunk(log={"level": "info", "format": "json"})
    peer = rig.add(SipPeer(rig, lambda call: (call.reply(100), call.answer(), call.expect("BYE", timeout=60))))
    sim = rig.metasim(talk_ms=3000)
    sim.wait_event("first_rx")
    ports = bound_ports(w, rig.ports.webrtc) + bound_ports(w, rig.ports.rtp)
    equal(len(ports), 3, "media ports of a call")
    stranger, local = udp("127.0.0.2"), udp()
    rng = random.Random(1)
    until_at = time.monotonic() + 1.5
    while time.monotonic() < until_at:
        for data in noise(rng, 40):
            for port in ports:
                rng.choice((stranger, local)).sendto(data, ("127.0.0.1", port))
        time.sleep(0.01)
    meta, = sim.report()
    equal(meta["ended_by"], "user", "ended by")
    check(meta["rx_packets"] > 120, f"the user heard {meta['rx_packets']} packets in 3 s")
    peer.wait_done()
    media = peer.calls[0].media
    check(len(media.audio(pt=0)) > 120, f"the gateway heard {len(media.audio(pt=0))} packets in 3 s")
    check(len({p[4] for p in media.audio()}) == 1, "one SSRC toward the gateway")


def story_hijack(rig):
    """A stranger who knows the RTP port, with a payload type of the call, cannot take its voice while the gateway speaks."""
    rig.watrunk()
    peer = rig.add(SipPeer(rig, lambda call: (call.reply(100), call.answer(), call.expect("BYE", timeout=60))))
    sim = rig.metasim(talk_ms=3000)
    sim.wait_event("first_rx")
    thief = udp("127.0.0.2")
    thief.setblocking(False)
    target = peer.calls[0].remote_rtp()
    stolen = 0
    for n in range(120):
        for ssrc in (0xBAD, random.getrandbits(32)):
            thief.sendto(rtp(n, n * 160, ssrc), target)
        time.sleep(0.01)
        try:
            stolen += len(thief.recv(2000)) > 0
        except BlockingIOError:
            pass
    meta, = sim.report()
    equal((meta["ended_by"], stolen), ("user", 0), "ended by, packets stolen")
    peer.wait_done()
    check(meta["rx_packets"] > 100, f"the user heard {meta['rx_packets']} packets in 3 s")


def story_unruly_gateway(rig):
    """The right source: new SSRCs, jumps, wrong payload types, digits without end, RTCP BYE, frames tiny and huge. The call stays up."""
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, lambda call: (call.reply(100), call.answer(), call.expect("BYE", timeout=60))))
    sim = rig.metasim(talk_ms=3000)
    sim.wait_event("first_rx")
    media, target = peer.calls[0].media, peer.calls[0].remote_rtp()
    rng = random.Random(2)
    until_at, n = time.monotonic() + 1.5, 0
    while time.monotonic() < until_at:
        n += 1
        packets = (rtp(n * 7919, n, 7), rtp(n, n * 160, rng.getrandbits(32)), rtp(rng.getrandbits(16), rng.getrandbits(32), 7),
                   rtp(n, n, 7, pt=rng.randrange(128)), rtp(n, n, 7, payload=b""), rtp(n, n, 7, payload=b"\xff" * 1400),
                   rtp(n, n * 160, 7, payload=b"\x55"), rtp(n, n, 7, pt=101, payload=struct.pack(">BBH", n % 256, 10, 0xFFFF)),
                   rtp(n, n, 7, pt=101, payload=struct.pack(">BBH", n % 16, 0x8A, 160)), rtp(n, n, 7, pt=13, payload=b"\x40"))
        media.socket.sendto(rng.choice(packets), target)
        media.socket.sendto(b"\x81\xcb\x00\x01" + struct.pack(">I", media.ssrc), (target[0], target[1] + 1))
        if n % 20 == 0:
            time.sleep(0.01)
    meta, = sim.report(violations=("RTP|time|sequence|marker",))
    equal(meta["ended_by"], "user", "ended by")
    check(meta["rx_packets"] > 60, f"the user heard {meta['rx_packets']} packets")
    peer.wait_done()
    check(w.popen.poll() is None, "it lives")


def story_wicked_whatsapp_side(rig):
    """An offer whose candidate is ours: STUN with every wrong integrity, handshakes of rubbish, before and after checks begin."""
    graph = rig.metasim(give_up_ms=1)
    w = rig.watrunk(media={"public_address": "127.0.0.1", "bind_address": "127.0.0.1", "webrtc_ports": rig.ports.webrtc, "rtp_ports": rig.ports.rtp,
                           "workers": 1})
    peer = rig.add(SipPeer(rig, lambda call: (call.reply(180), call.expect("CANCEL", timeout=60), call.reply(487))))
    evil = udp()
    evil.settimeout(0.01)
    offer = sdp(0, f"a=candidate:1 1 udp 2113937151 127.0.0.1 {evil.getsockname()[1]} typ host\r\n")
    for n in range(5):
        equal(rig.post_webhook(delivery(connect(f"wacid.ice{n}", session={"sdp_type": "offer", "sdp": offer})))[0], 200, "status")
    rng = random.Random(3)
    until_at, seen = time.monotonic() + 1.5, set()
    while time.monotonic() < until_at:
        try:
            data, source = evil.recvfrom(2000)
        except TimeoutError:
            continue
        seen.add(source)
        for answer in (data, b"\1\1" + data[2:], b"\1\1\0\0" + data[4:20], b"\1\1\0\x0c" + data[4:20] + attribute(0x20, b"\0\1" + os.urandom(6)),
                       b"\1\x11\0\x08" + data[4:20] + attribute(9, b"\0\0\4\x57"), b"\1\1\0\x18" + data[4:20] + attribute(8, os.urandom(20)), *noise(rng, 10)):
            evil.sendto(answer, source)
    check(seen, "no check of ours came")
    for n in range(5):
        rig.post_webhook(delivery(terminate(f"wacid.ice{n}")))
    peer.wait_done()
    graph.kill()
    check(w.popen.poll() is None, "it lives")
    w.check_output()


def story_flood(rig):
    """20 000 packets a second at the RTP port of one call of ten: nine are as before; the tenth stays up."""
    w = rig.watrunk(log={"level": "info", "format": "json"})
    peer = rig.add(SipPeer(rig, lambda call: (call.reply(100), call.answer(), call.expect("BYE", timeout=60))))
    sim = rig.metasim(calls=10, at_once=10, talk_ms=3000)
    for n in range(1, 11):
        sim.wait_event("first_rx", call=n)
    victim = peer.calls[0]
    target, flooder = victim.remote_rtp(), udp("127.0.0.2")
    until_at = time.monotonic() + 1.5
    bad = rtp(1, 160, 0xBAD)
    while time.monotonic() < until_at:
        for _ in range(100):
            flooder.sendto(bad, target)
        time.sleep(0.005)
    metas = sim.report()
    records = w.wait_records(10)
    victim_record = next(r for r in records if r["sip_call_id"] == victim.id)
    check(all(m["ended_by"] == "user" for m in metas), "all ended by the user")
    lost = victim_record["sip_rx"]["lost"]
    check(lost < 0.2 * 150, f"the victim lost {lost} packets of 150")


if __name__ == "__main__":
    main()
