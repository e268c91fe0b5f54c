"""Interop fault 4: session descriptions as they come: a=rtcp missing, ptime 30, port 0, no common codec, several m= lines, ICE and
BUNDLE beside plain RTP, other profiles; and Opus under the peer's own numbers. (Offerless INVITEs: calling_out.py, in_dialog.py.)"""
import re

from harness import check, equal, main, until
from media_faults import OPUS_PT, answer, check_one_line, heard, media_port, one_call, reinvite
from rtp_peer import opus_tone


def story_ptime_30_and_no_rtcp_line(rig):
    def script(call, w, sim):
        check("a=rtcp" not in call.invite.body, "a=rtcp that says the obvious")
        media_port(call)
        call.media.ptime = 30
        answer(call, "m=audio {port} RTP/AVP 0", "a=ptime:30")
        packets = heard(call, 0)
        check(all(len(p[6]) == 240 for p in packets[5:]), f"packets of {sorted({len(p[6]) for p in packets})} bytes, asked for 30 ms")
        sim.wait_user_event("audio_heard")
        for ptime, asked in ((10, "a=ptime:10"), (60, "a=maxptime:60\r\na=ptime:60"), (20, "a=ptime:60\r\na=maxptime:20")):
            call.media.ptime = ptime
            equal(reinvite(call, "m=audio {port} RTP/AVP 0", *asked.split("\r\n")).status, 200, "re-INVITE")
            until(lambda p=ptime: len(call.media.audio()[-1][6]) == p * 8, f"packets of {ptime} ms")
        check_one_line(call.media.audio(), 1)      # the grid is moved once, to where WhatsApp's packets arrive
        call.bye()
    one_call(rig, script)


def story_reoffers(rig):
    """In a call that goes on whatever the offer is."""
    def script(call, w, sim):
        answer(call, "m=audio {port} RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000")
        heard(call)
        reply = reinvite(call, "m=audio {port} RTP/AVP 18 3", "a=rtpmap:18 G729/8000")
        equal(reply.status, 488, "no common codec")
        check((reply.get("Warning") or "").startswith("305 "), f"Warning: {reply.get('Warning')}")
        heard(call)
        for offer, lines in (
                (["m=video 4 RTP/AVP 99", "m=audio {port} RTP/AVP 8", "m=image 6 udptl t38"], ["video 0", "audio N", "image 0"]),
                (["m=audio 4 RTP/SAVP 0", "m=audio {port} RTP/AVP 0"], ["audio 0", "audio N"]),
                (["m=audio 4 UDP/TLS/RTP/SAVPF 0", "m=audio {port} RTP/AVP 8"], ["audio 0", "audio N"]),
                (["m=audio {port} RTP/AVPF 0", "a=rtcp-fb:* nack"], ["audio N"]),
                (["m=audio {port} RTP/AVP 0", "a=group:BUNDLE 0", "a=mid:0", "a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901",
                  "a=candidate:1 1 udp 1 127.0.0.1 9 typ host", "a=fingerprint:sha-256 AA"], ["audio N"])):
            reply = reinvite(call, *offer)
            equal(reply.status, 200, f"answer to {offer}")
            got = [re.sub(r" [1-9]\d* .*", " N", m) if not re.search(r" 0 ", m) else m.split(" 0 ")[0] + " 0" for m in reply.sdp_line("m=")]
            got += [""] * (len(lines) - len(got))
            equal([g.strip() for g in got[:len(lines)]], lines, "m= lines of the answer")
            protos = [o.split()[2] for o in offer if o.startswith("m=")]
            equal([m.split()[2] for m in reply.sdp_line("m=")][:len(protos)], protos, "profiles of the answer")
            check(not re.search(r"ice|BUNDLE|fingerprint|candidate", reply.body), "ICE in the answer")
            heard(call)
        call.bye()
    one_call(rig, script)


def refused(rig, *media):
    def script(call, w, sim):
        answer(call, *media, speak=False)
        call.expect("BYE")
    one_call(rig, script, hear=False, status="failed", cause="no_codec", ended_by="watrunk")


def story_answer_with_port_0(rig):
    refused(rig, "m=audio 0 RTP/AVP 0")


def story_answer_without_a_common_codec(rig):
    refused(rig, "m=audio {port} RTP/AVP 18")


def story_opus_under_its_own_number(rig):
    """It goes through as it is, both ways; then G.711 and back."""
    opus = ["m=audio {port} RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/48000"]

    def script(call, w, sim):
        check("a=rtpmap:111 opus/48000/2" in call.invite.body, "Opus in our offer")
        media_port(call)
        call.media.opus, call.media.event_pt = (OPUS_PT, opus_tone()), 97
        answer(call, *opus, pt=OPUS_PT)
        packets = heard(call, OPUS_PT, 50)
        check_one_line(packets, 960)
        sim.wait_user_event("audio_heard")
        call.media.press("7", 4800)         # 100 ms at 48000
        w.wait_event("dtmf", leg="sip", ms=100)
        call.media.pt = 0
        equal(reinvite(call, "m=audio {port} RTP/AVP 0").status, 200, "to G.711")
        plain = heard(call, 0)
        check(plain[0][4] != packets[0][4], "the same SSRC in another clock (RFC 7160 s4.1)")
        call.media.pt = OPUS_PT
        equal(reinvite(call, *opus).status, 200, "and back")
        heard(call, OPUS_PT)
        call.bye()
    record, _, _ = one_call(rig, script, {"gateways": [rig.gateway(codecs=["OPUS", "PCMU"])]})
    equal((record["wa_codec"], record["sip_codec"]), ("opus", "opus"), "codecs of the record")


if __name__ == "__main__":
    main()
