"""Calls that no one gets through: given up, refused, not answered."""
import contextlib
import time

from harness import Failure, check, equal, expect_record, main
from sip_peer import SipPeer


def rings_until_cancelled(call):
    call.reply(180)
    call.expect("CANCEL")
    call.reply(487)
    call.expect("ACK")


def story_user_gives_up_while_it_rings(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, rings_until_cancelled))
    meta, = rig.metasim(give_up_ms=700).report()
    equal((meta["ended_by"], meta["accept_us"]), ("user", None), "ended by, accept")
    record, = w.wait_records(1)
    expect_record(record, status="cancelled", cause="cancelled", ended_by="user", answered_ms=None, rang_ms=bool, duration_ms=0)
    peer.wait_done()


def story_answer_crosses_the_cancel(rig):
    w = rig.watrunk()

    def script(call):
        call.reply(180)
        call.expect("CANCEL")       # answered 200, but the INVITE is answered too: the phone was picked up just before
        call.reply(200, sdp=call.sdp())
        call.expect("ACK")
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(give_up_ms=500).report()
    record, = w.wait_records(1)
    expect_record(record, status="cancelled", cause="cancelled", ended_by="user", answered_ms=None)
    peer.wait_done()


def story_user_gives_up_before_any_answer(rig):
    """CANCEL may not be sent before a provisional answer (RFC 3261 s9.1)."""
    w = rig.watrunk()

    def script(call):
        w.wait_event("call_ended")
        check(call.inbox.empty(), "CANCEL before a provisional answer")
        call.reply(180)
        call.expect("CANCEL")
        call.reply(487)
        call.expect("ACK")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(give_up_ms=300).report()
    record, = w.wait_records(1)
    expect_record(record, status="cancelled", cause="cancelled", ended_by="user")
    peer.wait_done()


def story_refused(rig):
    w = rig.watrunk()
    wanted = [(486, "rejected", "busy"), (600, "rejected", "busy"), (603, "rejected", "declined"), (403, "rejected", "not_allowed"),
              (404, "failed", "not_found"), (484, "failed", "not_found"), (480, "missed", "no_answer"), (488, "failed", "no_codec"),
              (503, "failed", "gateway_down"), (500, "failed", "gateway_failed"), (302, "failed", "gateway_failed")]

    def script(call):
        code = wanted[peer.calls.index(call)][0]
        if code % 2:
            call.reply(180)
        call.reply(code, headers=["Contact: <sip:x@192.0.2.1>"] if code == 302 else [])     # nowhere we may follow to
        call.expect("ACK")
    peer = rig.add(SipPeer(rig, script))
    for meta in rig.metasim(calls=len(wanted), interval_ms=50).report():
        equal((meta["ended_by"], meta["accept_us"]), ("business", None), "ended by, accept")
    records = w.wait_records(len(wanted))
    peer.wait_done()
    by_sip_id = {r["sip_call_id"]: r for r in records}
    for call, (code, status, cause) in zip(peer.calls, wanted):
        check(call.id in by_sip_id or code % 2 == 0, f"the record of the {code} lacks the SIP Call-ID")
    for code, status, cause in wanted:
        found = [r for r in records if r["sip_code"] == code]
        equal(len(found), 1, f"records with SIP code {code}")
        expect_record(found[0], status=status, cause=cause, ended_by="sip", answered_ms=None)


def story_q850_tells_more(rig):
    w = rig.watrunk()

    def script(call):
        call.reply(480, headers=['Reason: Q.850;cause=17;text="User busy"'])
        call.expect("ACK")
    rig.add(SipPeer(rig, script))
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="rejected", cause="busy", sip_code=480, q850=17, ended_by="sip")


def story_nobody_answers(rig):
    w = rig.watrunk(dialplan=[{"name": "short", "actions": [{"bridge": {"gateways": ["pbx"], "user": "600", "timeout": 1}}]}])
    peer = rig.add(SipPeer(rig, rings_until_cancelled))
    meta, = rig.metasim().report()
    equal(meta["ended_by"], "business", "ended by")
    record, = w.wait_records(1)
    expect_record(record, status="missed", cause="no_answer", ended_by="watrunk", rang_ms=bool, answered_ms=None, rule="short",
                  duration_ms=0)
    check(900 < record["ended_ms"] - record["started_ms"] < 4000, "the route's timeout of 1 s")
    peer.wait_done()


def story_window_of_meta_closes(rig):
    """The number's accept_window bounds the ringing even when the route allows more."""
    w = rig.watrunk(numbers=[rig.number(accept_window=3)])
    peer = rig.add(SipPeer(rig, rings_until_cancelled))
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="missed", cause="no_answer", ended_by="watrunk")
    check(1900 < record["ended_ms"] - record["started_ms"] < 5000, "accept_window of 3 s, less 1 s for the way")
    peer.wait_done()


def story_both_hang_up_at_once(rig):
    """User and gateway around the same moment, at several distances: one record each, and no error."""
    w = rig.watrunk()

    def script(call):
        call.answer()
        time.sleep(0.26 + 0.015 * peer.calls.index(call))  # the user hangs up 0.32 s after accept
        answer = call.request("BYE")
        check(answer.status in (200, 481), f"answer to BYE: {answer.status}")
        with contextlib.suppress(Failure):
            call.expect("BYE", timeout=0.5)
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(calls=8, interval_ms=150, talk_ms=320).report()
    for record in w.wait_records(8):
        expect_record(record, status="completed", cause="normal", ended_by=lambda by: by in ("user", "sip"), answered_ms=bool)
    peer.wait_done()


if __name__ == "__main__":
    main()
