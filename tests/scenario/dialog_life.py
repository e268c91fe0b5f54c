"""A SIP dialog beside its session timer: reliable provisional responses, extensions, routes, addresses, reasons."""
import re

from dialogs import Callers, Play, answer, check, equal, heard, refresh, together
from harness import main


def reliable(call, code, number, sdp=None):
    """18x that wants a PRACK; the PRACK, answered."""
    call.reply(code, sdp=sdp, headers=["Require: 100rel", f"RSeq: {number}"])
    prack = call.expect("PRACK")
    equal(prack.get("RAck"), f"{number} {call.invite.get('CSeq')}", "RAck")
    return prack


def reliable_180_and_183(call):
    """Their SDP is early media; the 200 has none any more, as it need not (RFC 6337 s3.1)."""
    check("100rel" in call.invite.get("Supported"), "Supported without 100rel")
    check(call.invite.get("Require") is None, "Require of our INVITE")
    reliable(call, 180, 7)
    reliable(call, 183, 8, call.sdp())
    call.reply(200)
    call.media.start(call.remote_rtp(), 0)
    call.expect("ACK")
    heard(call)
    call.bye()


def reliable_response_comes_again(call):
    """The PRACK was lost: the repeat of the 180 is not another one."""
    reliable(call, 180, 1)
    call.send(call.last_response[call.invite.branch, "INVITE"])
    answer(call)
    heard(call)
    call.bye()


def rel100_off(call):
    check("100rel" not in call.invite.get("Supported"), "100rel is off")
    check("timer" in call.invite.get("Supported"), "timer is not")
    answer(call)
    heard(call)
    call.bye()


def rel100_required(call):
    equal(call.invite.get("Require"), "100rel", "Require of our INVITE")
    reliable(call, 180, 1)
    answer(call)
    heard(call)
    call.bye()


def rel100_required_of_a_peer_without(call):
    call.reply(420, headers=["Unsupported: 100rel"])
    call.expect("ACK")


def contact_changes(call):
    """A re-INVITE or UPDATE with another Contact: what we send later goes there."""
    answer(call)
    heard(call)
    for method, user in (("INVITE", "moved"), ("UPDATE", "again")):
        call.peer.contact = f"<sip:{user}@127.0.0.1:{call.peer.port}>"
        reply = call.request(method, sdp=call.sdp())
        equal(reply.status, 200, f"answer to {method}")
        if method == "INVITE":
            call.ack(reply)
    call.user_hangs_up()
    equal(call.expect("BYE").start.split()[1], f"sip:again@127.0.0.1:{call.peer.port}", "Request-URI of our BYE")


def reason_of_their_bye(call):
    answer(call)
    heard(call)
    call.bye(headers=["Reason: SIP;cause=200;text=\"over\", Q.850 ;cause=31 ;text=\"Normal, unspecified\""])


def reason_of_our_bye(call):
    answer(call)
    heard(call)
    call.user_hangs_up()
    bye = call.expect("BYE")
    check("Q.850;cause=16" in ", ".join(bye.all("Reason")), f"Reason of our BYE: {bye.all('Reason')}")


def second_invite_before_the_ack(call):
    """RFC 3261 s14.2: 500 with Retry-After, and the call goes on."""
    answer(call)
    heard(call)
    first = call.request("INVITE", sdp=call.sdp())
    equal(first.status, 200, "answer to a re-INVITE")
    second = call.request("INVITE", sdp=call.sdp())
    check(second.status in (491, 500), f"answer to a second one: {second.status}")
    call.ack(second)
    call.ack(first)
    count = len(call.media.audio())
    heard(call, count=count + 10)
    call.bye()


def tracing(call):
    """One name on both sides: WhatsApp's id of the call."""
    call.peer.rig.named[call.invite.get("X-WA-Call-Id")] = call.invite
    answer(call)
    heard(call)
    call.bye()


def story_gateways(rig):
    rig.named = {}
    by_user = {"status": "completed", "ended_by": "user"}
    w, records = together(
        rig, Play(reliable_180_and_183), Play(reliable_response_comes_again), Play(rel100_off, {"rel100": "off"}),
        Play(rel100_required, {"rel100": "require"}),
        Play(rel100_required_of_a_peer_without, {"rel100": "require"}, status="failed", cause="gateway_failed", answered_ms=None),
        Play(contact_changes, **by_user), Play(reason_of_our_bye, **by_user), Play(reason_of_their_bye, status="completed", q850=31),
        Play(second_invite_before_the_ack), Play(tracing))
    (wacid, invite), = rig.named.items()
    record, = [r for r in records.values() if r["wacid"] == wacid]
    equal(record["sip_call_id"], invite.get("Call-ID"), "Call-ID in the record")
    check(wacid not in invite.get("Call-ID") + invite.get("From"), "WhatsApp's id in the names of the dialog")


# ---- callers ----

ENDED = {"status": "completed", "cause": "normal"}


def prack(call, response, sdp=None):
    reply = call.request("PRACK", sdp=sdp, headers=[f"RAck: {response.get('RSeq')} 1 INVITE"])
    equal(reply.status, 200, "answer to PRACK")


def talks(call):
    call.wait_answer()
    heard(call)
    call.bye()


def requires_100rel(call):
    ringing = call.wait_response(180)
    check("100rel" in (ringing.get("Require") or "") and ringing.get("RSeq"), "an unreliable 180")
    again = call.wait_response(180)     # repeated until it has its PRACK
    equal(again.get("RSeq"), ringing.get("RSeq"), "RSeq of the repeat")
    prack(call, ringing)
    talks(call)


def supports_100rel(call):
    check(call.wait_response(180).get("RSeq") is None, "a reliable 180 that nobody asked for")
    talks(call)


def no_offer_and_100rel_required(call):
    """Our offer is in the first reliable response, the answer in its PRACK (RFC 3262 s5); the 200 and the ACK have none."""
    ringing = call.wait_response(180)
    check("100rel" in (ringing.get("Require") or "") and ringing.get("RSeq"), "an unreliable 180")
    check(ringing.sdp_line("m=audio "), "no offer in the 180")
    prack(call, ringing, call.sdp(pts=call.pts[:1]))
    reply = call.wait_response(200)
    equal(reply.body, "", "SDP of the 200")
    call.target = re.search(r"<([^>]*)>", reply.get("Contact")).group(1)
    call.ack(reply)
    call.media.start(call.remote_rtp(ringing), call.pts[0])
    heard(call, pt=0)
    equal(refresh(call, "INVITE").status, 200, "answer to a re-INVITE after that")
    call.bye()


def prack_without_an_answer(call):
    """As an ACK without one: nobody knows what to send where."""
    prack(call, call.wait_response(180))
    reply = call.wait_response(200)
    call.target = re.search(r"<([^>]*)>", reply.get("Contact")).group(1)
    call.ack(reply)
    call.expect("BYE")


def behind_proxies(call, route):
    """Record-Route of the INVITE: our BYE goes through it, in its order (RFC 3261 s12.1.1)."""
    call.wait_answer()
    call.user_hangs_up()
    bye = call.expect("BYE")
    equal([r.strip() for v in bye.all("Route") for r in v.split(",")], route, "Route of our BYE")


def story_callers(rig):
    all_of_them = Callers(rig)
    requires_100rel(all_of_them.dial("Require: 100rel"))
    supports_100rel(all_of_them.dial("Supported: 100rel, timer"))
    unsupported = all_of_them.dial("Require: timer, precondition, resource-priority").wait_response(420).get("Unsupported")
    equal(sorted(re.split(r"\s*,\s*", unsupported)), ["precondition", "resource-priority"], "Unsupported of the 420")
    no_offer_and_100rel_required(all_of_them.dial("Require: 100rel", offer=False))
    prack_without_an_answer(all_of_them.dial("Require: 100rel", offer=False))
    route = [f"<sip:127.0.0.1:{all_of_them.peer.port};lr>", "<sip:192.0.2.77;lr>"]
    behind_proxies(all_of_them.dial(*[f"Record-Route: {r}" for r in route]), route)
    all_of_them.finish(ENDED, ENDED, ENDED, {"status": "failed", "cause": "gateway_failed"}, {"status": "completed", "ended_by": "user"})


def story_callers_where_100rel_is_required(rig):
    both = Callers(rig, rel100="require")
    call = both.dial("Supported: 100rel")
    prack(call, call.wait_response(180))
    talks(call)
    equal(both.dial().wait_response(421).get("Require"), "100rel", "Require of the 421")
    both.finish(ENDED)


def story_callers_where_100rel_is_off(rig):
    both = Callers(rig, rel100="off")
    equal(both.dial("Require: 100rel").wait_response(420).get("Unsupported"), "100rel", "Unsupported of the 420")
    talks(both.dial("Supported: 100rel"))
    both.finish(ENDED)


if __name__ == "__main__":
    main()
