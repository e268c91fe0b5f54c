"""Fault 7: 180, 183 with SDP, 180 again; early media, then 486; 302 with Contact; 503 with Retry-After and the next gateway."""
from early_media import early
from groups import answers, two
from harness import check, equal, expect_record, main
from sip_peer import SipPeer, tag


def busy(call):
    early(call)
    call.reply(486)
    call.expect("ACK")


def story_ringing_again_after_early_media(rig):
    """What comes before the answer may come in any order and number, of any phone; it rang when it first did."""
    def script(call):
        call.reply(100)
        call.reply(180)
        early(call)
        call.reply(180)
        call.reply(181)
        for _ in range(3):      # other phones behind a forking proxy
            call.tag = tag()
            call.reply(183, sdp=call.early_sdp)
        call.tag = tag()
        call.reply(180)
        call.answer()
        call.expect("BYE")
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, script))
    meta, = rig.metasim(talk_ms=400).report()
    peer.wait_done()
    check(meta["rx_packets"] > 5, "the user heard nothing")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", rang_ms=bool, early_media="unheard", accepted_on="answer")
    equal([(a["gateway"], a["sip_code"], a["cause"]) for a in record["attempts"]], [("pbx", 200, "normal")], "attempts")


def story_busy_after_early_media(rig):
    """Nobody has heard it: the user's phone was never accepted, and is told that the call failed."""
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, busy))
    meta, = rig.metasim().report()
    peer.wait_done()
    equal((meta["ended_by"], meta["accept_us"]), ("business", None), "ended by, accept")
    expect_record(w.wait_records(1)[0], status="rejected", cause="busy", sip_code=486, answered_ms=None, early_media="unheard",
                  accepted_on=None)


def story_redirected_within_the_policy(rig):
    port = rig.ports.one()

    def elsewhere(call):
        call.reply(302, headers=[f"Contact: <sip:700@127.0.0.1:{port}>;q=0.5"])
        call.expect("ACK")
    w = two(rig, port)
    rig.add(SipPeer(rig, elsewhere))
    desk = rig.add(SipPeer(rig, answers, port=port))
    rig.metasim(talk_ms=300).report()
    desk.wait_done()
    record, = w.wait_records(1)
    expect_record(record, status="completed", gateway="spare")
    equal(desk.calls[0].invite.start.split()[1].split(";")[0], f"sip:700@127.0.0.1:{port}", "Request-URI")
    equal([(a["gateway"], a["sip_code"]) for a in record["attempts"]], [("pbx", 302), ("spare", 200)], "attempts")


def story_redirected_out_of_the_policy(rig):
    """As good as an error: the next gateway is called."""
    port = rig.ports.one()
    w = two(rig, port)
    rig.add(SipPeer(rig, lambda call: (call.reply(302, headers=["Contact: <sip:x@192.0.2.1>"]), call.expect("ACK"))))
    spare = rig.add(SipPeer(rig, answers, port=port))
    rig.metasim(talk_ms=300).report()
    spare.wait_done()
    w.wait_event("sip_target_refused")
    expect_record(w.wait_records(1)[0], status="completed", gateway="spare")


def story_busy_server_is_left_alone(rig):
    """503 with Retry-After: the next gateway, and no call to this one for so long (RFC 3261 21.5.4)."""
    port = rig.ports.one()
    w = two(rig, port)
    first = rig.add(SipPeer(rig, lambda call: (call.reply(503, headers=["Retry-After: 120 (nightly backup)"]), call.expect("ACK"))))
    spare = rig.add(SipPeer(rig, answers, port=port))
    for n in range(2):
        rig.metasim(talk_ms=300).report()
        record = w.wait_records(n + 1)[-1]
        expect_record(record, status="completed", gateway="spare")
        equal([(a["gateway"], a["sip_code"], a["cause"]) for a in record["attempts"]],
              [("pbx", 503, "congestion" if n else "gateway_down"), ("spare", 200, "normal")], "attempts")
    w.wait_event("gateway_busy", gateway="pbx", seconds="120")
    w.wait_event("gateway_not_called", gateway="pbx", cause="congestion")
    spare.wait_done()
    equal((len(first.calls), len(spare.calls)), (1, 2), "INVITEs at each")


if __name__ == "__main__":
    main()
