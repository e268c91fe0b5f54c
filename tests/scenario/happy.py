"""A call that is answered and ends in each of the ordinary ways: by the user, the gateway, the operator, and our stop."""
import signal

from harness import check, equal, expect_record, main
from sip_peer import SipPeer


def answers(call):
    call.reply(100)
    call.reply(180)
    call.answer()
    call.expect("BYE")


def story_user_hangs_up(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(talk_ms=1500, payload="order-77").report()
    equal(meta["ended_by"], "user", "ended by")
    check(meta["rx_packets"] > 60, f"the user heard {meta['rx_packets']} packets in 1.5 s")
    check(meta["rx_rtcp"] > 0, "no RTCP reached the user")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", sip_code=200, q850=16, meta_code=None, gateway="pbx",
                  rule="all", payload="order-77", user_number="+447700900123", user_name="Ana Example", wacid=meta["wacid"],
                  sip_call_id=peer.calls[0].id, sip_codec="PCMU", wa_codec="opus", duration_ms=lambda ms: 1400 < ms < 2500,
                  rang_ms=bool, answered_ms=bool, setup_invite_us=lambda us: us > 0, ice_ms=lambda ms: ms >= 0)
    peer.wait_done()
    call = peer.calls[0]
    check(call.media.audio(pt=0), "the gateway heard nothing")
    reasons = call.log[-1].all("Reason")
    check(any("Q.850;cause=16" in r for r in reasons), f"BYE's reasons: {reasons}")
    check(record["wa_rx"]["packets"] > 40 and record["sip_rx"]["packets"] > 40, "the record's counts of packets")


def story_gateway_hangs_up(rig):
    w = rig.watrunk()

    def script(call):
        call.reply(180)
        call.answer()
        w.wait_event("first_sent", leg="sip")
        call.bye(headers=['Reason: Q.850;cause=16;text="Normal"'])
    rig.add(SipPeer(rig, script)).wait_done()
    meta, = rig.metasim().report()
    equal(meta["ended_by"], "business", "ended by")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="sip", answered_ms=bool, q850=16, meta_code=None)


def story_operator_hangs_up(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    sim = rig.metasim()
    sim.wait_event("first_rx")
    live, = w.live()
    equal((live["state"], live["gateway"], live["user"]), ("up", "pbx", "+447700900123"), "GET /v1/calls")
    code, out, _ = w.cli("calls", "--json")
    equal(code, 0, "exit code of `watrunk calls`")
    check(live["id"] in out, "`watrunk calls` does not list the call")
    equal(w.cli("hangup", "c-000000000000")[0], 1, "exit code of `watrunk hangup` for no call")
    equal(w.cli("hangup", live["id"])[0], 0, "exit code of `watrunk hangup`")
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, id=live["id"], status="completed", cause="admin", ended_by="admin", answered_ms=bool)
    equal(w.admin("GET", "/v1/calls/" + live["id"])[1]["cause"], "admin", "GET /v1/calls/ID after the end")
    equal(w.admin("GET", "/v1/calls", token="wrong")[0], 401, "GET /v1/calls with a wrong token")


def story_stopped_during_a_call(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    sim = rig.metasim()
    sim.wait_event("first_rx")
    w.stop()
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")
    peer.wait_done()
    record, = w.records()
    expect_record(record, status="failed", cause="shutdown", ended_by="watrunk", answered_ms=bool)


def story_stopped_while_ringing(rig):
    w = rig.watrunk()

    def script(call):
        call.reply(180)
        call.expect("CANCEL")
        call.reply(487)
        call.expect("ACK")
    peer = rig.add(SipPeer(rig, script))
    sim = rig.metasim()
    w.wait_event("sip_progress", code=180)
    w.signal(signal.SIGTERM)
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")
    equal(w.wait(20), 0, "exit code of watrunk")
    peer.wait_done()
    record, = w.records()
    expect_record(record, cause="shutdown", ended_by="watrunk", answered_ms=None)


if __name__ == "__main__":
    main()
