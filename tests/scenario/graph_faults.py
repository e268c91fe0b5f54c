"""A Graph API that is slow, refuses, fails, loses its answers, or is not there."""
from harness import check, equal, expect_record, main
from sip_peer import SipPeer


def answers(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def story_pre_accept_fails(rig):
    """accept carries the same SDP: the call is only a little slower."""
    w = rig.watrunk()
    rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(talk_ms=700, graph={"pre_accept": {"fail_http": 500, "fail_code": 131000}}).report()
    equal(meta["graph_refused"], 1, "requests refused")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", answered_ms=bool, meta_code=None)


def story_no_pre_accept(rig):
    w = rig.watrunk(call={"pre_accept": False})
    rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(talk_ms=700).report()
    equal(meta["pre_accept_us"], None, "pre_accept")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user")


def story_pre_accept_refused(rig):
    w = rig.watrunk()

    def script(call):
        call.reply(180)
        call.expect("CANCEL")
        call.reply(487)
        call.expect("ACK")
    peer = rig.add(SipPeer(rig, script))
    meta, = rig.metasim(graph={"pre_accept": {"fail_http": 400, "fail_code": 100}}).report()
    equal(meta["ended_by"], "business", "ended by")
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="meta_refused", ended_by="meta", meta_code=100, answered_ms=None)
    peer.wait_done()


def story_pre_accept_slow(rig):
    """3 s: the answer of the SIP side need not wait for it longer than media_wait_ms."""
    w = rig.watrunk()
    rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(talk_ms=700, graph={"pre_accept": {"delay_ms": 3000}}).report()
    check(meta["accept_us"] - meta["webhook_us"] < 3500000, "accept waited for the slow pre_accept")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user")


def story_accept_fails_once(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(talk_ms=700, graph={"accept": {"fail_http": 500, "fail_code": 138004, "fail_times": 1}}).report()
    equal(meta["ended_by"], "user", "ended by")
    equal(w.counters()["graph_retries"], 1, "retries")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", answered_ms=bool, meta_code=None)


def story_accept_refused(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(graph={"accept": {"fail_http": 400, "fail_code": 100}}).report()
    equal((meta["ended_by"], meta["graph_refused"]), ("business", 1), "ended by, requests refused")
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="meta_refused", ended_by="meta", meta_code=100, meta_text=bool, answered_ms=None,
                  duration_ms=0)
    peer.wait_done()


def story_accept_fails_always(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(graph={"accept": {"fail_http": 500, "fail_code": 138007}}).report()
    equal((meta["ended_by"], meta["graph_refused"]), ("business", 2), "ended by, requests refused")
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="meta_unreachable", ended_by="watrunk", meta_code=138007, answered_ms=None)
    peer.wait_done()


def story_answer_to_accept_lost_once(rig):
    """Meta has connected the user and we do not know: the repeat finds out."""
    w = rig.watrunk(graph={"timeout_ms": 1000})
    rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(talk_ms=3500, graph={"accept": {"drop": True, "drop_times": 1}}).report()
    equal(meta["ended_by"], "user", "ended by")
    check(meta["rx_packets"] > 50, "the user heard nothing")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", answered_ms=bool)


def story_answers_to_accept_lost(rig):
    w = rig.watrunk(graph={"timeout_ms": 800})
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(graph={"accept": {"drop": True}}).report()
    equal((meta["ended_by"], meta["rx_packets"]), ("business", 0), "ended by, packets before accept was answered")
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="meta_unreachable", ended_by="watrunk", answered_ms=None)
    peer.wait_done()


def story_terminate_fails_once(rig):
    w = rig.watrunk()

    def script(call):
        call.answer()
        w.wait_event("first_sent", leg="sip")
        call.bye()
    rig.add(SipPeer(rig, script))
    meta, = rig.metasim(graph={"terminate": {"fail_http": 503, "fail_code": 131000, "fail_times": 1}}).report()
    equal((meta["ended_by"], meta["graph_refused"]), ("business", 1), "ended by, requests refused")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="sip")


def story_terminate_never_answered(rig):
    """The record is not kept waiting for ever, and the call is what it was."""
    w = rig.watrunk(graph={"timeout_ms": 1000})

    def script(call):
        call.answer()
        w.wait_event("first_sent", leg="sip")
        call.bye()
    rig.add(SipPeer(rig, script))
    rig.metasim(graph={"terminate": {"drop": True}}).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="sip", answered_ms=bool)


def story_graph_not_there(rig):
    """Nobody listens at the Graph API's address: the gateway is called, answers, and is let go."""
    w = rig.watrunk(graph={"base_url": f"http://127.0.0.1:{rig.ports.one()}"})
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(give_up_ms=2500).report()
    equal((meta["ended_by"], meta["pre_accept_us"]), ("user", None), "ended by, pre_accept")
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="meta_unreachable", ended_by="watrunk", answered_ms=None)
    peer.wait_done()


def story_wrong_token(rig):
    w = rig.watrunk(numbers=[rig.number(token="old-token-7731")])
    rig.add(SipPeer(rig, lambda call: (call.reply(180), call.expect("CANCEL"), call.reply(487), call.expect("ACK"))))
    rig.metasim(give_up_ms=1500).report()
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="meta_refused", ended_by="meta", meta_code=190, answered_ms=None)
    text = (rig.dir / "watrunk.log").read_text() + (rig.dir / "calls.db").read_bytes().decode("latin-1")
    check("7731" not in text, "the token stands in the log or the database")


def story_no_media_from_us(rig):
    """Every media packet is lost: Meta ends the call, or we do; it is not a conversation."""
    w = rig.watrunk(media={"ice_timeout": 2})
    rig.add(SipPeer(rig, lambda call: (call.reply(180), call.answer(), call.expect("BYE"))))
    meta, = rig.metasim(loss=1, no_media_ms=3000).report(violations=["media failed"])
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause=lambda c: c in ("media_failed", "media_timeout"))
    check(meta["ended_by"] in ("business", "meta"), f"ended by {meta['ended_by']}")


def story_meta_ends_for_lack_of_media(rig):
    """138021 in the terminate webhook."""
    w = rig.watrunk(call={"pre_accept": False}, media={"ice_timeout": 10})
    peer = rig.add(SipPeer(rig, answers))
    rig.metasim(loss=1, no_media_ms=1000).report(violations=["media failed"])
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="media_timeout", ended_by="meta", meta_code=138021)
    peer.wait_done()


if __name__ == "__main__":
    main()
