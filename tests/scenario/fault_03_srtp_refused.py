"""Interop fault 3: SRTP offered to a peer that forbids it (488, or silence), and plain RTP to one that requires it. Without SRTP
only where the policy says so."""
from harness import T1X64_MS, check, equal, expect_record, main
from media_faults import sdp
from sip_peer import RawSip, SipPeer


def refuses(call):
    call.reply(488, headers=['Warning: 304 pbx "Media type not available"'])
    call.expect("ACK", reply=None)


def calls(rig, script, **gateway):
    w = rig.watrunk(gateways=[rig.gateway(**gateway)])
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(talk_ms=1000).report()
    peer.wait_done()
    return w.wait_records(1)[0], [c.invite for c in peer.calls]


def story_forbids_and_we_only_offered(rig):
    def script(call):
        if "a=crypto" in call.invite.body:
            return refuses(call)
        call.reply(180)
        call.answer()
        return call.expect("BYE")
    record, invites = calls(rig, script, srtp="offer")
    expect_record(record, status="completed", cause="normal")
    equal(["a=crypto" in i.body for i in invites], [True, False], "keys in the INVITEs")
    check(" RTP/AVP " in invites[1].body, "profile of the second")
    equal(len({i.get("Call-ID") for i in invites}), 2, "dialogs")


def story_forbids_and_we_require(rig):
    record, invites = calls(rig, refuses, srtp="require")
    expect_record(record, status="failed", cause="no_codec", sip_code=488)
    equal([" RTP/SAVP " in i.body for i in invites], [True], "INVITEs, with SRTP")


def story_forbids_everything(rig):
    record, invites = calls(rig, refuses, srtp="offer")
    expect_record(record, status="failed", cause="no_codec", sip_code=488)
    equal(["a=crypto" in i.body for i in invites], [True, False], "keys in the INVITEs: asked once more, not twice")


def story_requires_and_we_have_none(rig):
    record, invites = calls(rig, refuses)
    expect_record(record, status="failed", cause="no_codec", sip_code=488)
    equal(["a=crypto" in i.body for i in invites], [False], "INVITEs, without keys")


def story_silence(rig):
    """It does not answer what it dislikes: the gateway is down, and nothing is sent in the clear instead."""
    w = rig.watrunk(gateways=[rig.gateway(srtp="offer")])
    peer = rig.add(SipPeer(rig, lambda call: None))
    rig.metasim(talk_ms=2 * T1X64_MS).report()
    expect_record(w.wait_records(1)[0], status="failed", cause="gateway_down")
    check(all("a=crypto" in c.invite.body for c in peer.calls), "an INVITE without keys")
    equal(len(peer.calls), 1, "calls")


def story_answers_in_the_clear_although_we_require(rig):
    def script(call):
        call.reply(180)
        call.answer(speak=False)
        call.expect("BYE")
    record, _ = calls(rig, script, srtp="require")
    expect_record(record, status="failed", cause="no_codec")


def story_calls_us_with_srtp_only(rig):
    """488 says what was wrong (RFC 3261 s20.43)."""
    rig.watrunk(sip={"allow": ["127.0.0.1"]}, dialplan=[
        {"name": "out", "match": {"direction": "outbound"}, "actions": [{"whatsapp": {"user": "+447700900123"}}]},
        {"name": "in", "match": {"direction": "inbound"}, "actions": [{"reject": {"cause": "busy"}}]}])
    raw = rig.add(RawSip(rig))
    key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    reply = raw.ask("INVITE", sdp=sdp(40000, ["m=audio {port} RTP/SAVP 0", key]))
    equal(reply.status, 488, "answer to SRTP where there is none")
    check((reply.get("Warning") or "").startswith("305 "), f"Warning: {reply.get('Warning')}")


if __name__ == "__main__":
    main()
