"""Interop fault 4, its INVITE without an offer: our offer is in the 200, the answer in the ACK; for the first INVITE of a
caller as for one within the call."""
from dialogs import Callers, Play, answer, check, equal, heard, origin, refresh, together
from harness import main, until


def first_invite(call):
    equal(call.wait_response(180).body, "", "body of the 180: an offer in it could not be answered")
    reply = call.wait_answer()
    check(reply.sdp_line("m=audio ")[0].split()[2:] == ["0", "8", "101"], f"our offer: {reply.sdp_line('m=audio ')}")
    heard(call, pt=0)
    equal(refresh(call, "INVITE").status, 200, "answer to a re-INVITE after that")
    call.bye()


def answer_with_the_second_codec(call):
    call.pts = [8]
    call.wait_answer()
    heard(call, pt=8)
    call.bye()


def ack_without_an_answer(call):
    """Nobody can know what to send where: the call ends, and the record says that it was the caller's fault."""
    reply = call.wait_response(200)
    call.target = reply.get("Contact").split("<")[1].split(">")[0]
    call.ack(reply)
    call.expect("BYE")


def story_callers(rig):
    all_of_them = Callers(rig)
    for part in (first_invite, answer_with_the_second_codec, ack_without_an_answer):
        part(all_of_them.dial(offer=False))
    all_of_them.finish({"status": "completed", "sip_codec": "PCMU"}, {"status": "completed", "sip_codec": "PCMA"},
                       {"status": "failed", "cause": "gateway_failed"})


def reinvite(call):
    """Also when the answer changes the codec; and a re-offer of ours keeps the session's name and counts its version."""
    answer(call)
    heard(call, pt=0)
    first = origin(call.invite).split()
    reply = call.request("INVITE")
    equal(reply.status, 200, "answer to an INVITE without offer")
    second = origin(reply).split()
    equal((second[:2], second[3:]), (first[:2], first[3:]), "o= but for its version")
    check(int(second[2]) - int(first[2]) in (0, 1), f"version {first[2]}, then {second[2]}")
    call.ack(reply, sdp=call.sdp(pts=[8]))
    call.media.pt = 8
    heard(call, pt=8)
    call.bye()


def reinvite_of_who_holds(call):
    """An offerless re-INVITE is how many PBXs take a call off hold: our offer says sendrecv again."""
    answer(call)
    reply = call.request("INVITE", sdp=call.sdp("inactive"))
    call.ack(reply)
    check("a=inactive" in reply.body, "our answer to inactive")
    reply = call.request("INVITE")
    check("a=sendrecv" in reply.body or "a=inactive" not in reply.body, "our offer after hold")
    call.ack(reply, sdp=call.sdp())
    count = len(call.media.audio())
    until(lambda: len(call.media.audio()) > count + 10, "voice after hold")
    call.bye()


def story_within_the_call(rig):
    together(rig, Play(reinvite), Play(reinvite_of_who_holds))


if __name__ == "__main__":
    main()
