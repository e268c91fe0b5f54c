"""Interop fault 1: the peer names itself refresher and sends a re-INVITE or UPDATE at 900 s of 1800. It gets 200 with the
same SDP and the same timer, and WhatsApp's side is not disturbed."""
from dialogs import ALLOW, TIMER, Play, answer, check, equal, expires, heard, refresh, same_sdp, together
from harness import main


def refreshes(call, method):
    equal(expires(call.invite), ("1800", None), "what we ask for")
    check("timer" in call.invite.get("Supported"), "Supported without timer")
    answer(call, ALLOW, TIMER, "Session-Expires: 1800;refresher=uas")
    heard(call)
    first = None
    for _ in range(6):      # the order of things at 900, 1800, 2700 s ...
        reply = refresh(call, method, TIMER, "Session-Expires: 1800;refresher=uac", "Min-SE: 90")
        equal(reply.status, 200, f"answer to {method}")
        equal(expires(reply), ("1800", "uac"), "Session-Expires of the 200")
        check("timer" in (reply.get("Require") or ""), "the refresher is not told that he is meant (RFC 4028 s9)")
        if method == "INVITE":
            first = first or reply.body
            same_sdp(reply, first)
    heard(call)
    call.bye()


def by_reinvite(call):
    refreshes(call, "INVITE")


def by_update(call):
    refreshes(call, "UPDATE")


def without_a_timer_of_ours(call):
    """session_expires: 0: we do not ask, and keep the peer's all the same."""
    equal(expires(call.invite), None, "what we ask for")
    answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 1800;refresher=uas")
    heard(call)
    reply = refresh(call, "UPDATE", TIMER, "Session-Expires: 1800;refresher=uac")
    equal(expires(reply), ("1800", "uac"), "Session-Expires of the 200")
    call.bye()


def story_all(rig):
    together(rig, Play(by_reinvite), Play(by_update), Play(without_a_timer_of_ours, {"session_expires": 0}))


if __name__ == "__main__":
    main()
