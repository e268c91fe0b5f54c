#!/usr/bin/python3
"""A gateway that is broken or wicked, and strangers at the SIP port: the call ends or goes on, watrunk does."""
import os
import re
import time

from deliveries import connect, delivery
from harness import check, equal, main, until
from sip_peer import Call, RawSip, SipPeer, tag


def sdp(port=40000, host="127.0.0.1", pts="0 101", extra="", proto="RTP/AVP"):
    return (f"v=0\r\no=pbx 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} {proto} {pts}\r\n"
            f"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n{extra}")


# An answer and whether the call may stand on it (None: either).
ANSWERS = [
    (None, False), ("", False), ("garbage", False), ("v=0\r\n" * 500, False), (sdp(port=0), False), (sdp(port=99999), False),
    (sdp(port=-1), False), (sdp(pts="18"), False), (sdp(pts="0 " * 3000), None), (sdp(proto="RTP/SAVP"), False),
    (sdp(host="224.0.0.1"), None), (sdp(host="255.255.255.255"), None), (sdp(host="not.an.address.invalid"), False),
    (sdp(host="::1"), None), (sdp().replace("m=audio", "m=video"), False), (sdp(extra="a=ptime:0\r\na=maxptime:0\r\n"), None),
    (sdp(extra="a=ptime:4294967295\r\n"), None), (sdp(extra="a=rtpmap:0 PCMU/0\r\n"), None), (sdp(extra="a=x:" + "y" * 30000 + "\r\n"), None),
    (sdp().replace("\r\n", "\n"), None), (sdp() + "m=audio 4000 RTP/AVP 0\r\n" * 100, None), (sdp().replace("v=0\r\n", ""), None),
]


def story_wicked_answers(rig):
    w = rig.watrunk()
    answers = list(ANSWERS)

    def script(call):
        answer, _ = answers[int(call.number)]
        call.reply(180)
        call.reply(200, sdp=answer)
        call.expect("ACK")
        call.expect("BYE")

    class Numbered(SipPeer):
        def run_script(self, call):
            call.number = len(self.calls) - 1
            super().run_script(call)
    peer = rig.add(Numbered(rig, script))
    # An answer without c=/m= of its own, then one that points at ourselves: the call hears its own voice and stands.
    own = sdp(host="127.0.0.1", port=int(rig.ports.rtp.split("-")[0]))
    answers += [(own, None)]
    metas = rig.metasim(calls=len(answers), at_once=8, talk_ms=300, give_up_ms=8000).report(violations=(".",))
    equal(len(metas), len(answers), "calls")
    records = w.wait_records(len(answers), timeout=30)
    by_call_id = {r["sip_call_id"]: r for r in records}
    for call in peer.calls:
        answer, may = answers[call.number]
        status = by_call_id[call.id]["status"]
        if may is not None:
            equal(status == "completed", may, f"answer {(answer or 'none')[:60]!r} made a call")
    peer.wait_done(20)


def story_two_answers_and_a_flood(rig):
    """A fork: two 200 with different tags. 300 x 180, re-INVITEs without end, a BYE before the ACK."""
    w = rig.watrunk()

    def script(call):
        for n in range(300):
            call.tag = f"fork{n}"
            call.reply(180 if n % 2 else 183, sdp=sdp() if n % 3 else None)
        call.tag = "one"
        call.reply(200, sdp=call.sdp())
        call.tag = "two"
        call.reply(200, sdp=call.sdp())
        call.tag = "one"
        call.media.start(call.remote_rtp(), 0)
        call.expect("ACK", reply=None)
        for n in range(60):  # nobody waits for answers, nobody ACKs
            call.cseq += 1
            call.send(call.finish(call.request_lines("INVITE" if n % 2 else "UPDATE", "z9hG4bK" + tag(), call.cseq), sdp(port=0 if n % 5 == 0 else 40000)))
        call.send(call.finish(call.request_lines("INFO", "z9hG4bK" + tag(), call.cseq + 1) + ["Content-Type: application/dtmf-relay"], "x" * 20000))
        call.send(call.finish(call.request_lines("REFER", "z9hG4bK" + tag(), call.cseq + 2) + ["Refer-To: <sip:evil@example>"], None))
        call.send(call.finish(call.request_lines("BYE", "z9hG4bK" + tag(), call.cseq + 3), None))
        until(lambda: not w.live(), "the end of the call", 30)
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(talk_ms=5000).report(violations=(".",))
    peer.wait_done(30)
    w.wait_records(1)
    peer.strays.clear()
    w.check_idle(60)  # the fork's second dialog ends by its timer


def story_injection(rig):
    """What a user calls himself, and a button carries, ends no header and begins none."""
    evil = ('Eve"\r\nX-Evil: 1\r\n\r\nBYE', "\r\nX-Evil: 1", "\rX-Evil: 1", "\nX-Evil: 1", '"<sip:evil@example>', "\\", '\\"', "\u2028X-Evil: 1",
            "\u0085X-Evil: 1", "\u00e9" * 3000, "\u202egnp.exe", "<>@;,?&=", "%0d%0aX-Evil:1", "\U0001f600" * 200, "", "600@evil.example;x=y", "a" * 500000)
    fields = {"gateways": ["pbx"], "user": "600{payload}", "caller_id": "{payload}", "display_name": "{name}",
              "headers": [{"name": "X-Mine", "value": "{payload}{name}"}]}
    graph = rig.metasim(give_up_ms=1)  # somebody answers at Graph's address
    w = rig.watrunk(dialplan=[{"name": "all", "actions": [{"bridge": fields}]}])

    def script(call):
        call.reply(486)
        call.expect("ACK")
    peer = rig.add(SipPeer(rig, script))
    for n, text in enumerate(evil):
        equal(rig.post_webhook(delivery(connect(f"wacid.evil{n}", cta_payload=text), name=text))[0], 200, "status")
        w.wait_event("call_ended", count=n + 1)
    until(lambda: len(w.records()) >= len(evil), "the records")
    refused = len(evil) - len([c for c in peer.calls if c])
    equal(refused, 0, f"of {len(evil)} calls, those that made no INVITE")
    for call in peer.calls:
        head = call.invite
        names = [name.lower() for name, _ in head.headers]
        check("x-evil" not in names and names.count("via") == names.count("from") == names.count("x-mine") or "x-mine" not in names, f"headers: {head.headers}")
        check(re.fullmatch(r'("(?:[^"\\]|\\.)*" ?)?<sip:[^<>@" ]+@[^<>@" ]+>;tag=\S+', head.get("From")), f"From: {head.get('From')}")
        check("%25" not in head.get("From") or "%0d" in head.get("X-Mine"), f"From is escaped twice: {head.get('From')}")
        check(re.fullmatch(r"INVITE sip:600[^@ ]*@127\.0\.0\.1:\d+;transport=udp SIP/2\.0", head.start), f"request line: {head.start}")
        equal(int(head.get("Content-Length")), len(head.body.encode()), "Content-Length")
    peer.wait_done()
    graph.kill()


def story_strangers_and_noise(rig):
    w = rig.watrunk()

    def answers(call):
        call.reply(100)
        call.answer()
        call.expect("BYE", timeout=30)
    peer = rig.add(SipPeer(rig, answers))
    sim = rig.metasim(talk_ms=3000)
    call = peer.wait_calls()
    sim.wait_event("first_rx")
    target = ("127.0.0.1", rig.sip_port)
    stranger, gateway = RawSip(rig, "127.0.0.2"), peer.socket
    equal(stranger.ask("INVITE", sdp=sdp()).status, 403, "a stranger's INVITE")
    invite = stranger_lines = Call.finish(["INVITE sip:600@x SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.2:9;branch=z9hG4bKx", "From: <sip:a@b>;tag=1",
                                           "To: <sip:600@x>", "Call-ID: x", "CSeq: 1 INVITE", "Contact: <sip:a@127.0.0.2:9>"], sdp())
    noise = [b"", b"\0", b"\r\n\r\n", os.urandom(1400), b"SIP/2.0 200 OK\r\n\r\n", b"A" * 60000,
             b"INVITE sip:x SIP/2.0\r\n" + b"X: y\r\n" * 9000 + b"\r\n", invite[:100], invite.replace(b"Content-Length: ", b"Content-Length: 9999"),
             invite.replace(b"CSeq: 1", b"CSeq: 99999999999999"), invite.replace(b"<sip:600@x>", b"<" * 4000), invite.replace(b"\r\n", b"\n"),
             stranger_lines.replace(b"Via:", b"Via: " + b"SIP/2.0/UDP 1.1.1.1;branch=z9hG4bKq, " * 500)]
    answer = ["SIP/2.0 200 OK", "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKnothing", "From: <sip:a@b>;tag=1", "To: <sip:c@d>;tag=2",
              f"Call-ID: {call.id}", "CSeq: 1 INVITE", "Contact: <sip:c@d>"]
    noise += [Call.finish(answer, sdp()), Call.finish([a.replace("200 OK", "699 X") for a in answer], None)]
    bye = [f"BYE {call.target} SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.2:9;branch=z9hG4bKb", "From: <sip:a@b>;tag=guess", "To: <sip:c@d>;tag=guess",
           f"Call-ID: {call.id}", "CSeq: 9999 BYE"]  # the Call-ID known, the tags not
    noise += [Call.finish(bye, None)]
    for data in noise:
        for s in (stranger.socket, gateway):
            s.sendto(data, target)
    started = time.monotonic()
    for _ in range(2000):
        stranger.socket.sendto(invite, target)
    equal(w.admin("GET", "/healthz")[0], 200, "status of /healthz")
    check(time.monotonic() - started < 5, "2000 INVITEs of a stranger kept the operator waiting")
    stranger.close()
    meta, = sim.report()
    equal(meta["ended_by"], "user", "ended by")
    peer.strays.clear()
    peer.wait_done()


if __name__ == "__main__":
    main()
