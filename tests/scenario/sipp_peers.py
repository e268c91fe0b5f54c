"""The same against a SIP stack that is not ours: sipp, told by the files in sipp/."""
from harness import check, equal, expect_record, main


def with_sipp(rig, scenario, plan, *args, calls=1, config=None, **wanted):
    w = rig.watrunk(**(config or {}))
    sipp = rig.sipp(scenario, "-m", calls, "-rtp_echo", *args)
    metas = rig.metasim(calls=calls, **plan).report()
    equal(sipp.wait(15), 0, "exit code of sipp")
    for record in w.wait_records(calls):
        expect_record(record, **wanted)
    return metas


def story_answers(rig):
    meta, = with_sipp(rig, "answers", {"talk_ms": 1500}, status="completed", cause="normal", ended_by="user", sip_codec="PCMU")
    check(meta["rx_packets"] > 60, f"the user heard {meta['rx_packets']} packets of echo")


def story_answers_over_tcp(rig):
    with_sipp(rig, "answers", {"talk_ms": 500, "at_once": 3}, "-t", "t1", calls=6, config={"gateways": [rig.gateway(transport="tcp")]},
              status="completed", cause="normal", ended_by="user")


def story_hangs_up(rig):
    with_sipp(rig, "hangs_up", {}, status="completed", cause="normal", ended_by="sip", sip_codec="PCMA")


def story_busy(rig):
    with_sipp(rig, "busy", {}, status="rejected", cause="busy", ended_by="sip", sip_code=486, q850=17)


def story_cancelled(rig):
    with_sipp(rig, "cancelled", {"give_up_ms": 500, "at_once": 4}, calls=4, status="cancelled", cause="cancelled", ended_by="user")


def story_holds(rig):
    meta, = with_sipp(rig, "holds", {}, status="completed", cause="normal", ended_by="sip")
    check(meta["rx_lost"] == 0, "packets missing in the stream toward WhatsApp")


if __name__ == "__main__":
    main()
