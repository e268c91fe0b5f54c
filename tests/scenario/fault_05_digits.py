"""Interop fault 5: telephone-event on another payload type than offered, events only as INFO, and presses longer than a duration
field can tell."""
from harness import EVENT_WAIT_S, check, equal, main, until
from media_faults import answer, heard, one_call


def story_another_payload_type(rig):
    """We send with its number; it may send with either (RFC 3264 s5.1)."""
    def script(call, w, sim):
        check("a=rtpmap:101 telephone-event/8000" in call.invite.body, "telephone-event in our offer")
        call.sdp()
        call.media.event_pt = 96
        answer(call, "m=audio {port} RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-16")
        heard(call)
        status, _ = w.post(f"/v1/calls/{w.live()[0]['id']}/dtmf", {"digits": "5", "to": "sip"})
        check(status in (200, 202, 204), f"POST dtmf: {status}")
        until(lambda: call.media.digits and call.media.digits[0].ends, "a digit of ours", EVENT_WAIT_S)
        equal(call.media.digits[0].key, "5", "digit at the gateway")
        call.media.press("1", 800)
        w.wait_event("dtmf", leg="sip", ms=100)
        call.media.press("2", 960, pt=101)
        w.wait_event("dtmf", leg="sip", ms=120)
        call.media.press("3", 800, segments=2)      # RFC 4733 s2.5.1.3: 16.4 s, told as one
        w.wait_event("dtmf", leg="sip", ms=(2 * 0xFFFF + 800) // 8)
        call.bye()
    one_call(rig, script)


def story_events_only_as_info(rig):
    def script(call, w, sim):
        answer(call, "m=audio {port} RTP/AVP 0")
        heard(call)
        for kind, body in (("application/dtmf-relay", "Signal=4\r\nDuration=160\r\n"), ("application/dtmf", "9")):
            equal(info(call, kind, body).status, 200, f"answer to INFO {kind}")
        w.wait_event("dtmf", leg="sip", by="info", count=2)
        equal(call.media.digits, [], "telephone-events toward a peer without them")
        call.bye()
    one_call(rig, script)


def info(call, kind, body):
    finish = call.finish
    try:
        call.finish = lambda lines, _: finish([*lines, f"Content-Type: {kind}"], None).replace(
            b"Content-Length: 0\r\n\r\n", f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return call.request("INFO")
    finally:
        call.finish = finish


if __name__ == "__main__":
    main()
