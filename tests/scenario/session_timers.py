"""Session timers (RFC 4028), in both roles: forty minutes of refreshes in seconds, peers that stop, refuse, or never answer.

The shortest timers that a configuration may name, 2 s, stand for 90 s: 27 refreshes are what a call of 40 minutes sees
with a refresh at 90 s each, or one of 20 minutes with one at 45 s. What is due when at 90 s is asked of the pure timer, in
tests/unit/b2bua/sip/test_session_timer.c."""
import contextlib

from calling_out import setup as outward
from dialogs import ALLOW, TIMER, answer, check, equal, expires, heard, one_call, refresh, same_sdp
from harness import USER, expect_record, main, until
from sip_peer import SipPeer

SHORT = {"session_expires": 2, "min_se": 2}
REFRESHES = 27


def take_refresh(call, method, *headers):
    """Our refresh, answered."""
    message = call.expect(method, reply=0)
    if method == "UPDATE":
        equal(message.body, "", "body of an UPDATE that only refreshes")
        call.reply(200, to=message, headers=headers)
    else:
        call.reply(200, to=message, sdp=sdp_again(call), headers=headers)
        call.expect("ACK")
    return message


def sdp_again(call):
    """The peer's description as before."""
    call.sdp_version -= 1
    return call.sdp()


def story_forty_minutes(rig):
    """Three gateways at once: we refresh one by UPDATE, one by re-INVITE, and the third refreshes by both."""
    ports = [rig.gateway_port, rig.ports.one(), rig.ports.one()]

    def gateway(name, port, **more):
        return {"name": name, "uri": f"sip:127.0.0.1:{port};transport=udp", **SHORT, **more}
    config = {"gateways": [gateway("updated", ports[0]), gateway("invited", ports[1]), gateway("refreshes", ports[2])]}

    def ours(method, *headers):
        def script(call):
            equal(expires(call.invite), ("2", None), "what we ask for")
            answer(call, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac", *headers)
            for _ in range(REFRESHES // 2):
                message = take_refresh(call, method, TIMER, "Session-Expires: 2;refresher=uac", *headers)
                equal(expires(message), ("2", "uac"), "Session-Expires of our refresh")
                if method == "INVITE":
                    same_sdp(message, call.invite.body)
            heard(call)
            call.bye()
        return script

    def theirs(call):
        answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uas")
        for n in range(REFRESHES):
            reply = refresh(call, "UPDATE" if n % 2 else "INVITE", TIMER, "Session-Expires: 2;refresher=uac")
            equal((reply.status, expires(reply)), (200, ("2", "uac")), "answer to a refresh")
            count = len(call.media.audio())
            until(lambda: len(call.media.audio()) > count + 5, "voice between refreshes")
        call.bye()
    users = ["+447700900201", "+447700900202", "+447700900203"]
    rules = [{"name": g["name"], "match": {"from": user.replace("+", "^\\+") + "$"},
              "actions": [{"bridge": {"gateways": [g["name"]], "user": "600"}}]} for g, user in zip(config["gateways"], users)]
    w = rig.watrunk(dialplan=rules, **config)
    scripts = [ours("UPDATE", ALLOW), ours("INVITE"), theirs]
    peers = [rig.add(SipPeer(rig, script, port=port)) for script, port in zip(scripts, ports)]
    sim = rig.metasim(users=[rig.user(number=u, steps=[{"call": True}]) for u in users])
    for peer in peers:
        peer.wait_calls(1)
        peer.wait_done(timeout=60)
    for user in users:
        sim.wait_user_event("ended", user=user)
    for meta in sim.report():
        equal(meta["violations"], [], "violations")
    for record in w.wait_records(3):
        expect_record(record, status="completed", cause="normal", ended_by="sip")
    counters = w.counters()
    check(counters["sip_refreshes_sent"] >= 2 * (REFRESHES // 2), "refreshes of ours are not counted")
    equal((counters["sip_refreshes_failed"], counters["sip_sessions_expired"]), (0, 0), "failures")
    equal(counters["graph_requests"], 3 * 3, "requests to Meta: pre_accept, accept and terminate of three calls")


def story_peer_stops_refreshing(rig):
    """It promised to: BYE a third of the interval before its end (RFC 4028 s10), and the record says why."""
    def script(call, w):
        answer(call, TIMER, "Require: timer", "Session-Expires: 3;refresher=uas")
        answered = call.log[-1].at
        bye = call.expect("BYE")
        check(1.8 <= bye.at - answered, f"BYE {bye.at - answered:.1f} s after the answer, due after 2 of 3")
        reasons = ", ".join(bye.all("Reason"))
        check("SIP;cause=408" in reasons and "Q.850;cause=102" in reasons, reasons)
    w, _, _ = one_call(rig, script, gateway=SHORT, status="failed", cause="session_expired", ended_by="sip", answered_ms=bool)
    equal(w.counters()["sip_sessions_expired"], 1, "counter")


def story_peer_does_not_answer_our_refresh(rig):
    """It keeps the timer, too: a refresh without an answer is the end (RFC 4028 s10)."""
    def script(call, w):
        answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac")
        call.expect("UPDATE", reply=0)
        while call.expect_any(reply=0).method != "BYE":
            pass
    one_call(rig, script, gateway=SHORT, status="failed", cause="session_expired", ended_by="sip", answered_ms=bool)


def silent_but_alive(call, method, *headers):
    """The peer never promised a timer: a refresh that nobody answers harms nothing while voice flows."""
    answer(call, *headers)
    first = call.expect(method, reply=0)
    while True:     # repeats, T1X64 long; then the next one
        message = call.expect(method, reply=0)
        if message.get("CSeq") != first.get("CSeq"):
            break
    heard(call, since=message.at)
    if method == "INVITE":     # the library loses an INVITE whose session ends before it is answered
        call.reply(200, to=message, sdp=sdp_again(call))
        call.expect_any()
    call.bye()


def story_no_timer_and_no_answer_to_update(rig):
    w, _, _ = one_call(rig, lambda call, w: silent_but_alive(call, "UPDATE", ALLOW), gateway=SHORT)
    check(w.counters()["sip_refreshes_failed"] >= 1, "not counted")


def story_no_timer_and_no_answer_to_reinvite(rig):
    w, _, _ = one_call(rig, lambda call, w: silent_but_alive(call, "INVITE"), gateway=SHORT)
    check(w.counters()["sip_refreshes_failed"] >= 1, "not counted")


def story_no_timer_and_dialog_lost(rig):
    """481: the peer does not know the call any more, whatever was promised."""
    def script(call, w):
        answer(call, ALLOW)
        call.expect("UPDATE", reply=481)
        with contextlib.suppress(AssertionError):
            call.expect("BYE", timeout=1)
    one_call(rig, script, gateway=SHORT, status="failed", cause="gateway_down", ended_by="sip", answered_ms=bool)


def story_too_small_for_the_peer(rig):
    """422 to our INVITE: once more, same call, with what its Min-SE wants; and so again in the dialog."""
    def script(call, w):
        first = call.invite
        call.reply(422, headers=["Min-SE: 4"])
        call.expect("ACK")
        call.invite = call.expect("INVITE", reply=0)
        equal(expires(call.invite)[0], "4", "Session-Expires of the second INVITE")
        equal(call.invite.get("Min-SE"), "4", "Min-SE of the second INVITE")
        equal([call.invite.get(h) for h in ("Call-ID", "From", "To")], [first.get(h) for h in ("Call-ID", "From", "To")], "names of the call")
        equal(int(call.invite.get("CSeq").split()[0]), int(first.get("CSeq").split()[0]) + 1, "CSeq")
        answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 4;refresher=uac")
        update = call.expect("UPDATE", reply=0)
        call.reply(422, to=update, headers=["Min-SE: 6"])
        update = call.expect("UPDATE", reply=0)
        equal(expires(update), ("6", "uac"), "Session-Expires after a 422 in the dialog")
        call.reply(200, to=update, headers=[TIMER, "Session-Expires: 6;refresher=uac"])
        heard(call)
        call.bye()
    one_call(rig, script, gateway=SHORT)


def story_422_without_end(rig):
    """A peer whose 422 asks for no more than it got is not asked for ever."""
    def script(call, w):
        call.reply(422, headers=["Min-SE: 2"])
        call.expect("ACK")
    one_call(rig, script, gateway=SHORT, status="failed", cause="gateway_failed", answered_ms=None)


def story_too_small_for_us(rig):
    def script(call, w):
        equal(call.invite.get("Min-SE"), "90", "Min-SE")
        answer(call, ALLOW, TIMER, "Session-Expires: 1800;refresher=uas")
        for method in ("UPDATE", "INVITE"):
            reply = call.request(method, sdp=call.sdp() if method == "INVITE" else None,
                                 headers=[TIMER, "Session-Expires: 60;refresher=uac"])
            equal((reply.status, reply.get("Min-SE")), (422, "90"), f"answer to {method} with 60 s")
            if method == "INVITE":
                call.ack(reply)
        heard(call)
        equal(refresh(call, "INVITE", TIMER, "Session-Expires: 90;refresher=uac").status, 200, "answer to 90 s")
        call.bye()
    one_call(rig, script)


def story_update_refused(rig):
    """Its Allow has UPDATE, and it answers 405: re-INVITE from then on."""
    def script(call, w):
        answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac")
        call.expect("UPDATE", reply=405)
        for _ in range(2):
            take_refresh(call, "INVITE", TIMER, "Session-Expires: 2;refresher=uac")
        call.bye()
    one_call(rig, script, gateway=SHORT)


def story_glare(rig):
    """491 to our re-INVITE: again after 2.1 to 4 s, for the Call-ID is ours (RFC 3261 s14.1). Its own meanwhile gets 491."""
    def script(call, w):
        answer(call)
        ours = call.expect("INVITE", reply=0)
        theirs = call.request("INVITE", sdp=call.sdp())
        equal(theirs.status, 491, "answer to an INVITE that crosses ours")
        call.ack(theirs)
        call.reply(491, to=ours)
        call.expect("ACK")
        again = call.expect("INVITE", reply=0)
        check(2.0 <= again.at - ours.at <= 6.0, f"again after {again.at - ours.at:.1f} s")
        same_sdp(again, ours.body)
        call.reply(200, to=again, sdp=call.sdp())
        call.expect("ACK")
        call.bye()
    one_call(rig, script, gateway=SHORT)


def story_peer_moves_in_its_answer(rig):
    """The answer to our re-INVITE names another port: voice goes there."""
    def script(call, w):
        answer(call, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac")
        heard(call)
        first, call.media = call.media, None
        first.sending = False
        invite = call.expect("INVITE", reply=0)
        call.reply(200, to=invite, sdp=call.sdp(), headers=[TIMER, "Session-Expires: 90;refresher=uac"])
        call.media.start(call.remote_rtp(), 0)
        call.expect("ACK")
        heard(call)
        call.bye()
    one_call(rig, script, gateway=SHORT)


def story_refresh_while_held(rig):
    """The peer holds; our refresh repeats our recvonly and does not take the call off hold."""
    def script(call, w):
        answer(call, TIMER, "Require: timer", "Session-Expires: 4;refresher=uac")
        reply = call.request("INVITE", sdp=call.sdp("sendonly"), headers=[TIMER, "Session-Expires: 2;refresher=uas"])
        equal(expires(reply), ("2", "uas"), "Session-Expires of the 200")
        call.ack(reply)
        invite = call.expect("INVITE", reply=0)
        same_sdp(invite, reply.body)
        call.sdp_version -= 1
        call.reply(200, to=invite, sdp=call.sdp("sendonly"), headers=[TIMER, "Session-Expires: 90;refresher=uac"])
        call.expect("ACK")
        call.bye()
    one_call(rig, script, gateway=SHORT)


def story_policies(rig):
    """refresher and refresh_method as the gateway's keys say."""
    def script(call, w):
        equal(expires(call.invite), ("2", "uac"), "what we ask for")
        answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac")
        take_refresh(call, "INVITE", TIMER, "Session-Expires: 90;refresher=uac")
        call.bye()
    one_call(rig, script, gateway={**SHORT, "refresher": "us", "refresh_method": "invite"})


def caller(rig, *headers, gateway=None, **plan):
    w, peer, sim = outward(rig, config={"gateways": [rig.gateway(**(gateway or {}))]}, **plan)
    return w, sim, peer.dial(USER, headers=headers)


def story_caller_refreshes(rig):
    w, sim, call = caller(rig, TIMER, ALLOW, "Session-Expires: 90", gateway={"session_expires": 1800})
    reply = call.wait_answer()
    equal(expires(reply), ("90", "uac"), "Session-Expires of the 200")
    check("timer" in reply.get("Require"), "Require without timer")
    equal(refresh(call, "UPDATE", TIMER, "Session-Expires: 90;refresher=uac").status, 200, "answer to UPDATE")
    call.bye()
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed")


def story_we_refresh_a_caller(rig):
    w, sim, call = caller(rig, TIMER, "Session-Expires: 2;refresher=uas", gateway=SHORT)
    reply = call.wait_answer()
    equal(expires(reply), ("2", "uas"), "Session-Expires of the 200")
    for _ in range(3):
        message = take_refresh(call, "INVITE", TIMER, "Session-Expires: 2;refresher=uac")
        same_sdp(message, reply.body)
    call.bye()
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed")


def story_caller_with_too_short_a_timer(rig):
    w, sim, call = caller(rig, TIMER, "Session-Expires: 60")
    equal(call.wait_response(422).get("Min-SE"), "90", "Min-SE")
    sim.report()
    equal(w.counters()["calls_started"], 0, "calls begun")


if __name__ == "__main__":
    main()
