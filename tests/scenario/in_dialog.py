"""What the SIP side does during a call, and before it is one: none of it may show on WhatsApp's side."""
import time

from harness import check, equal, expect_record, main, until
from sip_peer import RawSip, SipPeer, tag


def heard(call, w, since, count=10, pt=None):
    until(lambda: len(call.media.audio(pt=pt, since=since)) >= count, f"{count} packets at the gateway")


def talk(rig, script, talk_ms=0, **config):
    """One call whose gateway follows the script and hangs up; metasim is strict about SSRC, sequence and time stamps."""
    w = rig.watrunk(**config)

    def whole(call):
        script(call, w)
        call.bye()
    peer = rig.add(SipPeer(rig, whole))
    meta, = rig.metasim(talk_ms=talk_ms).report()
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="sip", answered_ms=bool)
    return peer.calls[0], meta, record


def reoffer(call, direction="sendrecv", pts=None, method="INVITE"):
    answer = call.request(method, sdp=call.sdp(direction, pts))
    equal(answer.status, 200, f"answer to {method}")
    if method == "INVITE":
        call.ack(answer)
    return answer


def story_hold_and_resume(rig):
    def script(call, w):
        call.reply(180)
        call.answer()
        heard(call, w, 0)
        answer = reoffer(call, "sendonly")
        check("recvonly" in answer.body, "our answer to sendonly")
        call.media.sending = False
        time.sleep(0.5)
        before = len(call.media.audio())
        answer = reoffer(call, "inactive")
        check("inactive" in answer.body, "our answer to inactive")
        time.sleep(0.7)
        check(len(call.media.audio()) - before < 5, "we sent audio to a peer that holds us")
        since = time.monotonic()
        answer = reoffer(call, "sendrecv")
        check("sendrecv" in answer.body, "our answer to sendrecv")
        call.media.sending = True
        heard(call, w, since)
    _, meta, _ = talk(rig, script)
    # On hold the user hears silence, never nothing: Meta drops a call without media.
    check(meta["rx_packets"] > 75, f"the user got {meta['rx_packets']} packets in over 1.5 s")


def story_old_style_hold(rig):
    """c=0.0.0.0 (RFC 2543): still sent by old PBXs."""
    def script(call, w):
        call.answer()
        heard(call, w, 0)
        answer = call.request("INVITE", sdp=call.sdp().replace("IP4 127.0.0.1\r\nt=", "IP4 0.0.0.0\r\nt="))
        equal(answer.status, 200, "answer to the hold")
        call.ack(answer)
        time.sleep(0.3)
        since = time.monotonic()
        reoffer(call)
        heard(call, w, since)
    talk(rig, script)


def story_offerless_reinvite(rig):
    def script(call, w):
        call.answer()
        heard(call, w, 0)
        answer = call.request("INVITE")
        equal(answer.status, 200, "answer to an INVITE without offer")
        check("m=audio" in answer.body, "no offer in the answer")
        call.ack(answer, sdp=call.sdp())
        heard(call, w, time.monotonic())
    talk(rig, script)


def story_update(rig):
    def script(call, w):
        call.answer()
        heard(call, w, 0)
        equal(call.request("UPDATE").status, 200, "UPDATE without SDP")
        reoffer(call, method="UPDATE")
        heard(call, w, time.monotonic())
        equal(call.request("OPTIONS").status, 200, "OPTIONS in the dialog")
        check(call.request("MESSAGE").status >= 400, "MESSAGE in the dialog")
    talk(rig, script)


def story_codec_changes(rig):
    """PCMU to PCMA in mid-call: heard at once on the SIP side, invisible to WhatsApp."""
    def script(call, w):
        call.answer()
        heard(call, w, 0, pt=0)
        since = time.monotonic()
        answer = reoffer(call, pts=[8])
        check(" 8" in answer.sdp_line("m=audio ")[0], "PCMA in our answer")
        call.media.pt = 8
        heard(call, w, since, pt=8)
        time.sleep(0.3)
        late = call.media.audio(pt=0, since=since + 0.3)
        equal(late, [], "PCMU after the change")
        reoffer(call, pts=[0])
        call.media.pt = 0
        heard(call, w, time.monotonic(), pt=0)
    call, meta, _ = talk(rig, script)
    equal(meta["violations"], [], "violations")
    check(meta["rx_lost"] == 0, f"{meta['rx_lost']} packets missing in the stream toward WhatsApp")
    equal(len({p[4] for p in call.media.audio()}), 1, "SSRCs toward the gateway")


def story_other_address_in_the_call(rig):
    """A PBX that connects two people moves its media to another port: we follow."""
    def script(call, w):
        call.answer()
        heard(call, w, 0)
        first = call.media
        first.sending = False
        call.media = None
        answer = reoffer(call)
        call.media.start(call.remote_rtp(answer), 0)
        heard(call, w, time.monotonic())
        since = time.monotonic()
        time.sleep(0.4)
        equal(len(first.audio(since=since + 0.2)), 0, "packets to the old port")
    _, meta, _ = talk(rig, script)
    check(meta["rx_lost"] == 0, "packets missing in the stream toward WhatsApp")


def story_unusable_reoffer(rig):
    def script(call, w):
        call.answer()
        heard(call, w, 0)
        answer = call.request("INVITE", sdp=call.sdp().replace(" 0 101", " 18").replace("a=rtpmap:0 PCMU/8000", "a=rtpmap:18 G729/8000"))
        equal(answer.status, 488, "answer to an offer without a common codec")
        call.ack(answer)
        answer = call.request("INVITE", sdp="v=0\r\nnonsense\r\n")
        check(answer.status in (400, 488), f"answer to nonsense: {answer.status}")
        call.ack(answer)
        heard(call, w, time.monotonic())    # the session stays as it was
    talk(rig, script)


def story_progress_of_every_kind(rig):
    def script(call, w):
        call.reply(100)
        call.reply(183, sdp=call.sdp())
        call.media.start(call.remote_rtp(), 0)
        w.wait_event("sip_progress", code=183)
        time.sleep(0.3)     # early media flows: nobody at WhatsApp hears it
        for code in (180, 181, 183, 180):
            call.reply(code)
        call.answer()
        heard(call, w, 0)
    _, meta, record = talk(rig, script)
    equal(meta["early_rtp"], 0, "RTP before accept")
    expect_record(record, rang_ms=bool)


def story_late_fork(rig):
    """A proxy forked: one branch sends 183 with SDP, another one answers, with a tag and a session of its own."""
    def script(call, w):
        call.reply(183, sdp=call.sdp())
        w.wait_event("sip_progress", code=183)
        call.tag = tag()
        call.sdp_version += 10
        call.answer()
        heard(call, w, 0)
        reoffer(call)
    _, meta, record = talk(rig, script)
    equal(meta["early_rtp"], 0, "RTP before accept")


def story_update_crosses_our_offer(rig):
    """An offer in UPDATE while ours in the INVITE is not answered: 491 (RFC 3311 s5.2), and the call goes on."""
    def script(call, w):
        call.reply(180)
        w.wait_event("sip_progress", code=180)
        equal(call.request("UPDATE", sdp=call.sdp()).status, 491, "answer to the crossing offer")
        call.answer()
        heard(call, w, 0)
    talk(rig, script)


def story_answer_comes_again(rig):
    """A lost ACK: the 200 is repeated, and each time ACKed."""
    def script(call, w):
        call.answer()
        for _ in range(2):
            call.send(call.last_response[call.invite.branch, "INVITE"])
            call.expect("ACK")
        heard(call, w, 0)
    talk(rig, script)


def story_bye_while_the_user_is_not_connected_yet(rig):
    """The gateway picks up and hangs up again before accept was answered."""
    w = rig.watrunk()

    def script(call):
        call.answer()
        call.bye()
    rig.add(SipPeer(rig, script))
    meta, = rig.metasim(graph={"accept": {"delay_ms": 800}}).report()
    equal(meta["ended_by"], "business", "ended by")
    record, = w.wait_records(1)
    expect_record(record, status="rejected", cause="declined", ended_by="sip", answered_ms=None, duration_ms=0)


def story_strangers(rig):
    w = rig.watrunk()
    stranger = rig.add(RawSip(rig, source="127.0.0.2"))
    answer = stranger.ask("INVITE")
    equal(answer.status if answer else None, 403, "a stranger's INVITE")
    equal(stranger.ask("REGISTER", timeout=0.5), None, "a stranger's REGISTER")
    friend = rig.add(RawSip(rig))
    equal(friend.ask("OPTIONS").status, 200, "OPTIONS from the gateway's address")
    check(friend.ask("INVITE").status >= 400, "an INVITE from the gateway's address: calls toward users are not made yet")
    check(friend.ask("MESSAGE").status >= 400, "MESSAGE")
    check(friend.ask("BYE").status == 481, "a BYE for no call")
    check(w.counters()["sip_refused_source"] >= 2, "strangers are not counted")
    equal(w.counters()["calls_started"], 0, "calls begun")


def story_strangers_hear_nothing(rig):
    w = rig.watrunk(sip={"drop_strangers": True})
    stranger = rig.add(RawSip(rig, source="127.0.0.2"))
    equal(stranger.ask("INVITE", timeout=0.7), None, "a stranger's INVITE")
    equal(rig.add(RawSip(rig)).ask("OPTIONS").status, 200, "OPTIONS from the gateway's address")
    check(w.counters()["sip_parse_dropped"] + w.counters()["sip_refused_source"] >= 1, "not counted")


def story_foreign_media(rig):
    """Packets from another address do not take the call over (guarded latch)."""
    import socket

    def script(call, w):
        call.answer()
        heard(call, w, 0)
        attacker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        attacker.bind(("127.0.0.3", 0))
        packet = bytes.fromhex("80000001000000a0deadbeef") + b"\xff" * 160
        since = time.monotonic()
        for _ in range(40):
            attacker.sendto(packet, call.remote_rtp())
        attacker.settimeout(0.3)
        try:
            attacker.recv(2000)
            raise AssertionError("the stranger got media")
        except TimeoutError:
            pass
        attacker.close()
        heard(call, w, since + 0.2)
        check(w.counters()["media_rx_wrong_source"] > 0, "strange packets are not counted")
    talk(rig, script)


if __name__ == "__main__":
    main()
