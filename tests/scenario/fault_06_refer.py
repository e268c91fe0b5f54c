"""Fault 6: REFER with a tel: target, with Replaces, with an unknown scheme, during hold, twice."""
from harness import check, equal, expect_record, main, until
from transfer import Desk, answers


def ends(d, moved):
    d.talk(moved)
    d.end()
    expect_record(d.w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")


def story_tel(rig):
    """A telephone number goes to the gateway that transfer.tel_gateway names, written as a SIP user."""
    d = Desk(rig, config={"transfer": {"tel_gateway": "desk"}})
    equal(d.call.refer("tel:+44-20-7946-0000;phone-context=x").status, 202, "answer to REFER")
    d.expect_notifies(100, 180, 200)
    d.call.expect("BYE")
    moved = d.desk.wait_calls(1)
    check(moved.invite.start.split()[1].startswith("sip:+442079460000@127.0.0.1:"), f"Request-URI of {moved.invite.start}")
    ends(d, moved)


def story_replaces(rig):
    d = Desk(rig)
    equal(d.call.refer(f"{d.target}?Replaces=a%40desk%3Bto-tag%3D1%3Bfrom-tag%3D2").status, 202, "answer to REFER")
    d.expect_notifies(100, 180, 200)
    d.call.expect("BYE")
    moved = d.desk.wait_calls(1)
    equal((moved.invite.get("Replaces"), moved.invite.get("Require")), ("a@desk;to-tag=1;from-tag=2", "replaces"), "Replaces, Require")
    ends(d, moved)


def story_unknown_scheme(rig):
    """Refused, and the call is none the worse: what is no place to call, and what is no URI at all."""
    d = Desk(rig)
    for target in "mailto:desk@127.0.0.1", "http://127.0.0.1/", "urn:service:sos", "x:y", "tel:desk":
        answer = d.call.refer(target)
        check(400 <= answer.status < 700 and answer.status != 481, f"answer to a REFER to {target}: {answer.status}")
    d.talk(d.call, 0.3)
    d.call.bye()
    d.w.wait_event("call_ended")
    d.sim.report()
    equal(d.desk.calls, [], "calls at the desk")
    expect_record(d.w.wait_records(1)[0], status="completed", ended_by="sip")


def story_during_hold(rig):
    """As a telephone does it: hold, REFER, and BYE when it hears of the answer."""
    d = Desk(rig)
    held = d.call.request("INVITE", sdp=d.call.sdp(direction="sendonly"))
    d.call.ack(held)
    equal((held.status, held.sdp_line("a=recvonly")), (200, [""]), "answer to the hold")
    equal(d.call.refer(d.target).status, 202, "answer to REFER")
    d.expect_notifies(100, 180, 200)
    d.call.expect("BYE")
    ends(d, d.desk.wait_calls(1))


def story_during_hold_to_one_who_is_busy(rig):
    """The hold is still there when the transfer has failed, and is taken back as ever."""
    d = Desk(rig, at_desk=lambda call: (call.reply(486), call.expect("ACK")))
    d.call.ack(d.call.request("INVITE", sdp=d.call.sdp(direction="inactive")))
    equal(d.call.refer(d.target).status, 202, "answer to REFER")
    d.expect_notifies(100, 486)
    resumed = d.call.request("INVITE", sdp=d.call.sdp())
    d.call.ack(resumed)
    equal((resumed.status, resumed.sdp_line("a=sendrecv")), (200, [""]), "answer to the resume")
    d.talk(d.call)
    d.call.bye()
    d.w.wait_event("call_ended")
    d.sim.report()


def story_twice(rig):
    """A second REFER while the first target rings: 491. After that has failed: as if it were the first."""
    def rings(call):
        call.reply(180)
        until(lambda: refused, "the second REFER")
        call.reply(480)
        call.expect("ACK")
    refused = []
    d = Desk(rig, at_desk=lambda call: rings(call) if call is d.desk.calls[0] else answers(call))
    equal(d.call.refer(d.target).status, 202, "answer to the first REFER")
    d.call.expect("NOTIFY")
    d.desk.wait_calls(1)
    equal(d.call.refer(d.target).status, 491, "answer to the second REFER")
    refused.append(True)
    d.expect_notifies(180, 480)
    equal(d.call.refer(d.target).status, 202, "answer to the third REFER")
    d.expect_notifies(100, 180, 200)
    d.call.expect("BYE")
    ends(d, d.desk.wait_calls(2))


if __name__ == "__main__":
    main()
