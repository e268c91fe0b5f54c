"""Session timers (RFC 4028), in both roles: forty minutes of refreshes in seconds, peers that stop, refuse, or never answer.

The shortest timers that a configuration may name, 2 s, stand for 90 s; a call of 40 minutes has 26 intervals of them. What is due when at 90 s is asked of the pure timer, in
tests/unit/b2bua/sip/test_session_timer.c."""
import contextlib

from dialogs import ALLOW, TIMER, Callers, Play, answer, check, equal, expires, heard, refresh, same_sdp, together
from harness import main, until

SHORT = {"session_expires": 2, "min_se": 2}
OURS, THEIRS = 13, 27    # 13 by each method


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


def forty_minutes(call, method, *headers):
    equal(expires(call.invite), ("2", None), "what we ask for")
    answer(call, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac", *headers)
    for _ in range(OURS):
        message = take_refresh(call, method, TIMER, "Session-Expires: 2;refresher=uac", *headers)
        equal(expires(message), ("2", "uac"), "Session-Expires of our refresh")
        if method == "INVITE":
            same_sdp(message, call.invite.body)
    heard(call)
    call.bye()


def we_refresh_by_update(call):
    forty_minutes(call, "UPDATE", ALLOW)


def we_refresh_by_reinvite(call):
    forty_minutes(call, "INVITE")


def the_peer_refreshes(call):
    answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uas")
    for n in range(THEIRS):
        reply = refresh(call, "UPDATE" if n % 2 else "INVITE", TIMER, "Session-Expires: 2;refresher=uac")
        equal((reply.status, expires(reply)), (200, ("2", "uac")), "answer to a refresh")
        count = len(call.media.audio())
        until(lambda: len(call.media.audio()) > count + 5, "voice between refreshes")
    call.bye()


def peer_stops_refreshing(call):
    """It promised to: BYE a third of the interval before its end (RFC 4028 s10), and the record says why."""
    answer(call, TIMER, "Require: timer", "Session-Expires: 3;refresher=uas")
    answered = call.log[-1].at
    bye = call.expect("BYE")
    check(bye.at - answered >= 1.8, f"BYE {bye.at - answered:.1f} s after the answer, due after 2 of 3")
    reasons = ", ".join(bye.all("Reason"))
    check("SIP;cause=408" in reasons and "Q.850;cause=102" in reasons, reasons)


def peer_does_not_answer_our_refresh(call):
    """It keeps the timer, too: a refresh without an answer is the end (RFC 4028 s10)."""
    answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac")
    call.expect("UPDATE", reply=0)
    while call.expect_any(reply=0).method != "BYE":
        pass


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


def no_timer_and_no_answer_to_update(call):
    silent_but_alive(call, "UPDATE", ALLOW)


def no_timer_and_no_answer_to_reinvite(call):
    silent_but_alive(call, "INVITE")


def no_timer_and_dialog_lost(call):
    """481: the peer does not know the call any more, whatever was promised."""
    answer(call, ALLOW)
    call.expect("UPDATE", reply=481)
    with contextlib.suppress(AssertionError):
        call.expect("BYE", timeout=1)


def too_small_for_the_peer(call):
    """422 to our INVITE: once more, same call, with what its Min-SE wants; and so again in the dialog."""
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


def refused_422_without_end(call):
    """A peer whose 422 asks for no more than it got is not asked for ever."""
    call.reply(422, headers=["Min-SE: 2"])
    call.expect("ACK")


def too_small_for_us(call):
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


def update_refused(call):
    """Its Allow has UPDATE, and it answers 405: re-INVITE from then on."""
    answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac")
    call.expect("UPDATE", reply=405)
    for _ in range(2):
        take_refresh(call, "INVITE", TIMER, "Session-Expires: 2;refresher=uac")
    call.bye()


def again_at_once(call):
    """500 speaks of the one request, and "Retry-After: 0" does not make us ask without a pause."""
    answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 6;refresher=uac")
    first = call.expect("UPDATE", reply=0)
    call.reply(500, to=first, headers=["Retry-After: 0"])
    again = call.expect("UPDATE", reply=0)
    check(again.at - first.at >= 0.9, f"again after {again.at - first.at:.2f} s")
    call.reply(200, to=again, headers=[TIMER, "Session-Expires: 6;refresher=uac"])
    call.bye()


def glare(call):
    """491 to our re-INVITE: again after 2.1 to 4 s, for the Call-ID is ours (RFC 3261 s14.1). Its own meanwhile gets 491."""
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


def peer_moves_in_its_answer(call):
    """The answer to our re-INVITE names another port: voice goes there."""
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


def refresh_while_held(call):
    """The peer holds; our refresh repeats our recvonly and does not take the call off hold."""
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


def policies(call):
    """refresher and refresh_method as the gateway's keys say."""
    equal(expires(call.invite), ("2", "uac"), "what we ask for")
    answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac")
    take_refresh(call, "INVITE", TIMER, "Session-Expires: 90;refresher=uac")
    call.bye()


def story_every_way(rig):
    lost = {"status": "failed", "cause": "session_expired", "ended_by": "sip", "answered_ms": bool}
    w, _ = together(rig, Play(we_refresh_by_update, SHORT), Play(we_refresh_by_reinvite, SHORT), Play(the_peer_refreshes, SHORT),
                    Play(peer_stops_refreshing, SHORT, **lost), Play(peer_does_not_answer_our_refresh, SHORT, **lost),
                    Play(no_timer_and_no_answer_to_update, SHORT), Play(no_timer_and_no_answer_to_reinvite, SHORT),
                    Play(no_timer_and_dialog_lost, SHORT, **{**lost, "cause": "gateway_down"}), Play(too_small_for_the_peer, SHORT),
                    Play(refused_422_without_end, SHORT, status="failed", cause="gateway_failed", answered_ms=None),
                    Play(too_small_for_us), Play(update_refused, SHORT), Play(again_at_once, SHORT), Play(glare, SHORT), Play(peer_moves_in_its_answer, SHORT),
                    Play(refresh_while_held, SHORT), Play(policies, {**SHORT, "refresher": "us", "refresh_method": "invite"}))
    counters = w.counters()
    check(counters["sip_refreshes_sent"] >= 2 * OURS, "refreshes of ours are not counted")
    check(counters["sip_refreshes_failed"] >= 4, "failed ones are not counted")
    equal(counters["sip_sessions_expired"], 2, "sessions that ran out")


def story_callers(rig):
    all_of_them = Callers(rig)
    call = all_of_them.dial(TIMER, ALLOW, "Session-Expires: 90")
    reply = call.wait_answer()
    equal(expires(reply), ("90", "uac"), "Session-Expires of the 200")
    check("timer" in reply.get("Require"), "Require without timer")
    equal(refresh(call, "UPDATE", TIMER, "Session-Expires: 90;refresher=uac").status, 200, "answer to UPDATE")
    call.bye()
    call = all_of_them.dial(TIMER, "Session-Expires: 60")
    equal(call.wait_response(422).get("Min-SE"), "90", "Min-SE")
    all_of_them.finish({"status": "completed"})


def story_we_refresh_a_caller(rig):
    one = Callers(rig, **SHORT)
    call = one.dial(TIMER, "Session-Expires: 2;refresher=uas")
    reply = call.wait_answer()
    equal(expires(reply), ("2", "uas"), "Session-Expires of the 200")
    for _ in range(2):
        message = take_refresh(call, "INVITE", TIMER, "Session-Expires: 2;refresher=uac")
        same_sdp(message, reply.body)
    call.bye()
    one.finish({"status": "completed"})


if __name__ == "__main__":
    main()
