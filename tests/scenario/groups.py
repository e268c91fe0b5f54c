"""Rules with several gateways: the next one is called when one fails, and only then."""
from harness import check, equal, expect_record, main
from sip_peer import SipPeer


def two(rig, port, **bridge):
    """The usual gateway `pbx`, and `spare` on another port."""
    gateways = [rig.gateway(), {"name": "spare", "uri": f"sip:127.0.0.1:{port};transport=udp"}]
    rule = {"name": "all", "actions": [{"bridge": {"gateways": ["pbx", "spare"], "user": "600", **bridge}}]}
    return rig.watrunk(gateways=gateways, dialplan=[rule])


def answers(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def story_first_gateway_down(rig):
    port = rig.ports.one()
    w = two(rig, port)

    def refuses(call):
        call.reply(503)
        call.expect("ACK", reply=0)
    first, second = rig.add(SipPeer(rig, refuses)), rig.add(SipPeer(rig, answers, port=port))
    meta, = rig.metasim(talk_ms=500).report()
    equal(meta["ended_by"], "user", "ended by")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", gateway="spare", answered_ms=bool)
    w.wait_event("gateways_tried", attempts=2, last="spare")
    first.wait_done()
    second.wait_done()


def story_first_gateway_gives_no_answer(rig):
    """Its ring time over, it is cancelled, and the other one rings."""
    port = rig.ports.one()
    w = two(rig, port, timeout=1, failover=["no_answer"])

    def rings(call):
        call.reply(180)
        call.expect("CANCEL")
        call.reply(487)
        call.expect("ACK", reply=0)
    first, second = rig.add(SipPeer(rig, rings)), rig.add(SipPeer(rig, answers, port=port))
    rig.metasim(talk_ms=500).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", gateway="spare", answered_ms=bool)
    first.wait_done()
    second.wait_done()


def story_busy_is_an_answer(rig):
    port = rig.ports.one()
    w = two(rig, port)

    def busy(call):
        call.reply(486)
        call.expect("ACK", reply=0)
    first, second = rig.add(SipPeer(rig, busy)), rig.add(SipPeer(rig, answers, port=port))
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="rejected", cause="busy", gateway="pbx", answered_ms=None)
    first.wait_done()
    check(not second.calls, "the other gateway was called")


if __name__ == "__main__":
    main()
