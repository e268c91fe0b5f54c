"""Digits the user presses: RFC 4733 from WhatsApp to the gateway, each once, as long as it was pressed, in the audio's stream."""
from harness import EVENT_WAIT_S, check, equal, expect_record, main, until
from media_faults import answer, heard, one_call
from sip_peer import SipPeer

PRESSED_UNITS = 1280    # metasim presses for eight packets of 20 ms, on the 8 kHz clock


def digits_heard(rig, digits, answer_pts=None, **plan):
    w = rig.watrunk()
    got = []

    def script(call):
        call.reply(180)
        call.answer(pts=answer_pts)
        until(lambda: len(call.media.digits) >= len(digits) and call.media.digits[-1].ends, f"{len(digits)} digits", EVENT_WAIT_S)
        call.bye()
        got.extend(call.media.digits)
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(dtmf=digits, **plan).report()
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="sip")
    equal("".join(d.key for d in got), digits, "digits at the gateway")
    return peer.calls[0].media, got


def story_four_digits(rig):
    media, digits = digits_heard(rig, "159#")
    for d in digits:
        check(PRESSED_UNITS - 160 <= d.duration <= PRESSED_UNITS + 320, f"duration of {d}")
        check(1 <= d.ends <= 3, f"end packets of {d}")
        check(d.packets >= 5, f"packets of {d}")
    gaps = [b.started - a.started for a, b in zip(digits, digits[1:])]
    check(all(0.2 < g < 0.5 for g in gaps), f"pressed every 0.32 s, heard {gaps}")
    packets = list(media.received)
    equal(len({p[4] for p in packets}), 1, "SSRCs toward the gateway")
    steps = [(b[2] - a[2]) & 0xFFFF for a, b in zip(packets, packets[1:])]
    check(all(s == 1 for s in steps), f"sequence numbers step by {sorted(set(steps))}")
    first = [p for p in packets if p[1] == 101 and p[5]]
    equal(len(first), 4, "marker bits, one a digit (RFC 4733 s2.5.1.1)")


def story_the_same_digit_again(rig):
    _, digits = digits_heard(rig, "0011*")
    equal(len({d.ts for d in digits}), 5, "time stamps: each press is its own event")


def story_digits_over_a_bad_network(rig):
    """5 % loss: lost ends and beginnings must not make two digits of one, nor none."""
    digits_heard(rig, "2580", loss=0.05)


def story_gateway_without_telephone_event(rig):
    """It said so in its answer: then it must get none."""
    w = rig.watrunk()

    def script(call):
        sdp = call.sdp().replace(" 0 101", " 0").replace("a=rtpmap:101 telephone-event/8000\r\n", "").replace("a=fmtp:101 0-15\r\n", "")
        call.reply(200, sdp=sdp)
        call.expect("ACK")
        call.media.start(call.remote_rtp(), 0)
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(dtmf="15", talk_ms=3200).report()
    peer.wait_done()
    expect_record(w.wait_records(1)[0], status="completed")
    equal(peer.calls[0].media.digits, [], "telephone-events")
    check(len(peer.calls[0].media.audio()) > 120, "audio went on")


def tones_both_ways(rig, how, *sdp):
    """The SIP side gets tones and no events; its own tones are digits, told once each."""
    def script(call, w, sim):
        answer(call, *sdp)
        heard(call)
        status, _ = w.post(f"/v1/calls/{w.live()[0]['id']}/dtmf", {"digits": "15#", "to": "sip"})
        check(status in (200, 202, 204), f"POST dtmf: {status}")
        until(lambda: call.media.keys_heard() == "15#", "three keys as tones", EVENT_WAIT_S)
        for key in "49":
            call.media.say_key(key)
        w.wait_event("dtmf", leg="sip", by="inband", count=2)
        equal(call.media.digits, [], "telephone-events")
        call.bye()
    one_call(rig, script, {"gateways": [rig.gateway(dtmf=how)]})


def story_inband(rig):
    tones_both_ways(rig, "inband", "m=audio {port} RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000")


def story_auto_without_telephone_event(rig):
    tones_both_ways(rig, "auto", "m=audio {port} RTP/AVP 0")


if __name__ == "__main__":
    main()
