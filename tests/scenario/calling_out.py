"""Calls toward WhatsApp users: dialled by a SIP peer, by the API; every way they end; permission missing, asked, given."""
import json
import sqlite3

from harness import NUMBER, NUMBER_ID, USER, check, equal, expect_record, main, until
from sip_peer import RawSip, SipPeer

OUT = {"name": "out", "match": {"direction": "outbound", "to": "^\\+44"}, "actions": [{"whatsapp": {"number": NUMBER, "timeout": 20}}]}
RULES = [OUT, {"name": "all", "match": {"direction": "inbound"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]}]
PERMITTED = {"permission": "permanent", "window_open": True}


def nobody(call):
    raise AssertionError("an INVITE to the gateway")


def setup(rig, script=nobody, rules=None, user=None, config=None, **plan):
    sim = rig.metasim(users=[rig.user(**{**PERMITTED, **(user or {})})], **plan)
    w = rig.watrunk(dialplan=rules or RULES, **(config or {}))
    return w, rig.add(SipPeer(rig, script)), sim


def dials_and_talks(rig, hang_up, **plan):
    w, peer, sim = setup(rig, **plan)
    call = peer.dial(USER)
    ringing = call.wait_response(180)
    check(not ringing.body, "180 with SDP")
    sim.wait_user_event("accepted")
    call.wait_answer()
    sim.wait_user_event("audio_heard")
    until(lambda: len(call.media.audio(pt=0)) > 25, "the SIP side hears the user")
    hang_up(call, sim)
    sim.wait_user_event("ended")
    meta, = sim.report()
    record, = w.wait_records(1)
    equal(meta["direction"], "business_initiated", "direction at Meta")
    expect_record(record, direction="outbound", status="completed", cause="normal", user_number=USER, number=NUMBER, rule="out",
                  gateway="pbx", wacid=meta["wacid"], rang_ms=bool, answered_ms=bool, sip_call_id=call.id, meta_code=None)
    return record, meta


def story_sip_dials_and_hangs_up(rig):
    record, meta = dials_and_talks(rig, lambda call, sim: call.bye())
    expect_record(record, ended_by="sip")
    equal(meta["ended_by"], "business", "ended by")


def story_sip_dials_and_user_hangs_up(rig):
    def hang_up(call, sim):
        sim.act(hang_up=True)
        call.expect("BYE")
    record, _ = dials_and_talks(rig, hang_up)
    expect_record(record, ended_by="user")


def story_webhooks_overtake_the_response(rig):
    dials_and_talks(rig, lambda call, sim: call.bye(), outbound={"connect_before_response": True})


def story_meta_is_dtls_client(rig):
    dials_and_talks(rig, lambda call, sim: call.bye(), outbound={"dtls": "active"})


def story_meta_answers_actpass(rig):
    dials_and_talks(rig, lambda call, sim: call.bye(), outbound={"dtls": "actpass"})


def story_webhooks_come_twice_and_out_of_order(rig):
    dials_and_talks(rig, lambda call, sim: call.bye(), webhook={"duplicates": 2, "reorder_ms": 150})


def story_invite_without_offer(rig):
    w, peer, sim = setup(rig)
    call = peer.dial(USER, offer=False)
    answer = call.wait_answer()
    check("m=audio" in answer.body, "200 without an offer")
    sim.wait_user_event("audio_heard")
    until(lambda: len(call.media.audio()) > 10, "the SIP side hears the user")
    call.bye()
    sim.report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal")


def refused(rig, code, cause, status, meta_code=None, user=None, wait=20, granted=False, **plan):
    w, peer, sim = setup(rig, user=user, **plan)
    if granted:     # by a message of his; the question to Meta would tell that he cannot be called
        sim.act(grant=True)
        w.wait_event("permission", change="granted")
    call = peer.dial(USER)
    answer = call.wait_response(code, timeout=wait)
    record, = w.wait_records(1)
    expect_record(record, direction="outbound", cause=cause, status=status, answered_ms=None, meta_code=meta_code)
    if meta_code:
        error = answer.get("X-WA-Error")
        check(error and error.startswith(str(meta_code)), f"X-WA-Error: {error}")
    check(any("Q.850" in r for r in answer.all("Reason")), f"no Reason in {answer.headers}")
    sim.report()
    return answer


def story_user_declines(rig):
    refused(rig, 603, "user_declined", "rejected", user={"on_call": "reject"})


def story_user_does_not_answer(rig):
    refused(rig, 480, "no_answer", "missed", user={"on_call": "ignore"}, outbound={"ring_ms": 1500})


def story_our_ring_time(rig):
    rules = [{**OUT, "actions": [{"whatsapp": {"number": NUMBER, "timeout": 2}}]}]
    w, peer, sim = setup(rig, rules=rules + RULES[1:], user={"on_call": "ignore"})
    peer.dial(USER).wait_response(480)
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")
    expect_record(w.wait_records(1)[0], cause="no_answer", ended_by="watrunk")


def story_user_uncallable(rig):
    refused(rig, 480, "unreachable", "failed", 138001, user={"uncallable": True}, granted=True)


def story_too_many_calls_at_meta(rig):
    answer = refused(rig, 503, "meta_limit", "failed", 138002, limits={"concurrent": 0})
    check(answer.get("Retry-After"), "no Retry-After")


def story_meta_never_answers_connect(rig):
    w, peer, sim = setup(rig, graph={"connect": {"drop": True}}, config={"graph": {"base_url": f"http://127.0.0.1:{rig.graph_port}",
                                                                                    "timeout_ms": 1000}},
                         user={"on_call": "ignore"}, outbound={"lose": "connect"})
    peer.dial(USER).wait_response(480, 500, 504, timeout=30)
    expect_record(w.wait_records(1)[0], answered_ms=None)
    sim.whole_report()


def cancelled_when(rig, moment, user=None, wait_calls=1, **plan):
    w, peer, sim = setup(rig, user={"on_call": "ignore", **(user or {})}, **plan)
    call = peer.dial(USER)
    moment(call, sim, w)
    call.cancel()
    call.wait_response(487)
    record, = w.wait_records(1)
    expect_record(record, cause="cancelled", status="cancelled", ended_by="sip", answered_ms=None)
    w.check_idle()
    return sim


def story_cancel_while_ringing(rig):
    sim = cancelled_when(rig, lambda call, sim, w: call.wait_response(180))
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")


def story_cancel_before_meta_answered(rig):
    """The wacid is not known yet: terminate waits for it."""
    sim = cancelled_when(rig, lambda call, sim, w: sim.wait_user_event("connect_received"), graph={"connect": {"delay_ms": 1500}},
                         outbound={"connect_after_ms": 3000})
    sim.wait_user_event("terminate")
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")


def story_cancel_at_once(rig):
    cancelled_when(rig, lambda call, sim, w: None).whole_report()


def story_ringback_as_early_media(rig):
    rules = [{**OUT, "actions": [{"whatsapp": {"number": NUMBER, "ringback": True}}]}]
    w, peer, sim = setup(rig, rules=rules + RULES[1:], user={"answer_after_ms": 1500, "talk_ms": 1000})
    call = peer.dial(USER)
    early = call.wait_response(183)
    check("m=audio" in early.body, "183 without SDP")
    until(lambda: len(call.media.audio(pt=0)) > 20, "the ringback tone is heard")
    call.wait_answer()
    call.expect("BYE")
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed")


def story_strangers_and_unknown_numbers(rig):
    w, peer, sim = setup(rig)
    peer.dial("+12025550199").wait_response(404)       # no rule
    peer.dial("nobody").wait_response(404)
    stranger = RawSip(rig, source="127.0.0.2")
    equal(stranger.ask("INVITE").status, 403, "a stranger's INVITE")
    stranger.close()
    equal(w.records(), [], "records")
    equal(sim.report(), [], "calls at Meta")


def story_numbers_without_country_code(rig):
    """Meta would refuse them, or worse, take them for somebody else's."""
    anyone = [{"name": "any", "match": {"direction": "outbound"}, "actions": [{"whatsapp": {}}]}, RULES[1]]
    w, peer, sim = setup(rig, rules=anyone)
    peer.dial("07700900123").wait_response(404)
    peer.dial("00447700900123").wait_response(404)
    equal(w.records(), [], "records")
    equal(sim.report(), [], "calls at Meta")


def story_business_number_by_header(rig):
    rules = [{"name": "any", "match": {"direction": "outbound"}, "actions": [{"whatsapp": {}}]}, RULES[1]]
    numbers = [rig.number(), {"phone_number_id": "310000000000009", "number": "+12025550199", "token": "other"}]
    w, peer, sim = setup(rig, rules=rules, user={"talk_ms": 500}, config={"numbers": numbers})
    peer.dial(USER).wait_response(404)
    call = peer.dial(USER, headers=[f"X-WA-Number-Id: {NUMBER_ID}"])
    call.wait_answer()
    call.expect("BYE")
    sim.report()
    expect_record(w.wait_records(1)[0], number=NUMBER)


# ---- permission ----

def story_no_permission_refused(rig):
    w, peer, sim = setup(rig, user={"permission": "none"})
    answer = peer.dial(USER).wait_response(403)
    check("the user has not allowed calls" in answer.start, f"the caller is not told why: {answer.start}")
    expect_record(w.wait_records(1)[0], cause="no_permission", status="rejected")
    equal(sim.report(), [], "calls at Meta")


ASKING = [{**OUT, "actions": [{"whatsapp": {"number": NUMBER, "on_no_permission": "request", "request_text": "May we call?", "park": 600}}]},
          RULES[1]]


def agent(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def story_no_permission_asked_parked_and_dialled(rig):
    w, peer, sim = setup(rig, script=agent, rules=ASKING, user={"permission": "none"})
    peer.dial(USER).wait_response(403)
    sim.wait_user_event("permission_requested")
    parked = w.admin("GET", "/v1/parked")[1]
    equal(len(parked["parked"]), 1, f"parked: {parked}")
    sim.act(reply="accept")
    call = peer.wait_calls(1)                 # back to who dialled, then the user
    sim.wait_user_event("accepted")
    sim.wait_user_event("audio_heard")
    until(lambda: call.media and len(call.media.audio(pt=0)) > 25, "the agent hears the user")
    sim.act(hang_up=True)
    peer.wait_done()
    records = w.wait_records(2)
    expect_record(records[0], cause="permission_asked")
    expect_record(records[1], status="completed", direction="outbound", user_number=USER)
    equal(w.admin("GET", "/v1/parked")[1]["parked"], [], "parked")
    meta, = sim.report()


def story_no_permission_asked_and_refused(rig):
    w, peer, sim = setup(rig, rules=ASKING, user={"permission": "none", "on_request": "reject"})
    peer.dial(USER).wait_response(403)
    sim.wait_user_event("permission_reply")
    w.wait_event("permission", change="denied")
    # Asked once in 24 hours: the second caller is told so, and nobody is asked again.
    peer.dial(USER).wait_response(403)
    equal(len([m for m in sim.messages() if m["kind"] == "permission_request"]), 1, "requests")


def story_request_never_answered_is_sent_anew(rig):
    """A request can be answered for 7 days; after that it must not keep the user from being asked again."""
    w, peer, sim = setup(rig, rules=ASKING, user={"permission": "none"}, limits={"requests_per_day": 10, "requests_per_week": 10})
    peer.dial(USER).wait_response(403)
    sim.wait_user_event("permission_requested")
    until(lambda: w.admin("GET", "/v1/parked")[1]["parked"], "the parked call")
    w.stop()
    with sqlite3.connect(f"{rig.dir}/calls.db") as db:
        db.execute("UPDATE permissions SET requested_ms = requested_ms - 8 * 86400000, checked_ms = checked_ms - 8 * 86400000")
    rig.watrunk(dialplan=ASKING)
    peer.dial(USER).wait_response(403)
    sim.wait_user_event("permission_requested", count=2)
    equal(sim.report(), [], "calls at Meta")


# ---- by the API ----

def originate(w, status=202, **body):
    code, answer = w.post("/v1/calls", {"to": USER, "gateway": "pbx", "user": "600", **body})
    equal(code, status, f"POST /v1/calls: {answer}")
    return answer


def talk_by_api(rig, order):
    w, peer, sim = setup(rig, script=agent, user={"answer_after_ms": 600})
    made = originate(w, order=order)
    call = peer.wait_calls(1)
    sim.wait_user_event("audio_heard")
    until(lambda: call.media and len(call.media.audio(pt=0)) > 25, "the agent hears the user")
    live, = w.live()
    equal((live["id"], live["state"], live["direction"]), (made["id"], "up", "outbound"), "the live call")
    sim.act(hang_up=True)
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, id=made["id"], status="completed", rule="api", direction="outbound")
    sim.report()
    return record


def story_api_agent_first(rig):
    talk_by_api(rig, "agent_first")


def story_api_user_first(rig):
    talk_by_api(rig, "user_first")


def story_api_agent_busy(rig):
    w, peer, sim = setup(rig, script=lambda call: (call.reply(486), call.expect("ACK")))
    originate(w, order="agent_first")
    expect_record(w.wait_records(1)[0], cause="busy", wacid=None)
    equal(sim.report(), [], "calls at Meta")


def story_api_no_permission(rig):
    w, peer, sim = setup(rig, user={"permission": "none"})
    code, known = w.admin("GET", f"/v1/permissions/{USER.replace('+', '%2B')}?refresh=true")
    equal((code, known.get("status")), (200, "none"), f"GET permissions: {known}")
    answer = originate(w, status=403)
    equal(answer["type"], "/problems/no-permission", "problem")
    check(answer.get("detail"), "no detail")
    sim.report()


if __name__ == "__main__":
    main()
