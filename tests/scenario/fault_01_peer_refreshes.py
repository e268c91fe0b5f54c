"""Interop fault 1: the peer names itself refresher and sends a re-INVITE or UPDATE at 900 s of 1800. It gets 200 with the
same SDP and the same timer, and WhatsApp's side is not disturbed."""
from dialogs import ALLOW, TIMER, answer, equal, expires, heard, one_call, refresh, same_sdp
from harness import check, main


def refreshes(method):
    def script(call, w):
        equal(expires(call.invite), ("1800", None), "what we ask for")
        check("timer" in call.invite.get("Supported"), "Supported without timer")
        answer(call, ALLOW, TIMER, "Session-Expires: 1800;refresher=uas")
        heard(call)
        agreed = call.invite.body
        first = None
        for _ in range(6):      # the order of things at 900, 1800, 2700 s ...
            reply = refresh(call, method, TIMER, "Session-Expires: 1800;refresher=uac", "Min-SE: 90")
            equal(reply.status, 200, f"answer to {method}")
            equal(expires(reply), ("1800", "uac"), "Session-Expires of the 200")
            check("timer" in (reply.get("Require") or ""), "the refresher is not told that he is meant (RFC 4028 s9)")
            if method == "INVITE":
                first = first or reply.body
                same_sdp(reply, first)
        check(agreed, "no offer")
        heard(call)
        call.bye()
    return script


def story_by_reinvite(rig):
    one_call(rig, refreshes("INVITE"))


def story_by_update(rig):
    one_call(rig, refreshes("UPDATE"))


def story_without_a_timer_of_ours(rig):
    """session_expires: 0: we do not ask, and keep the peer's all the same."""
    def script(call, w):
        equal(expires(call.invite), None, "what we ask for")
        answer(call, ALLOW, TIMER, "Require: timer", "Session-Expires: 1800;refresher=uas")
        heard(call)
        reply = refresh(call, "UPDATE", TIMER, "Session-Expires: 1800;refresher=uac")
        equal(expires(reply), ("1800", "uac"), "Session-Expires of the 200")
        call.bye()
    one_call(rig, script, gateway={"session_expires": 0})


if __name__ == "__main__":
    main()
