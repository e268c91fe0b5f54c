"""Early media: not heard by default, and the record says so; heard with accept_on: early_media. What is said after the answer, but
before Meta has taken ours, is."""

import array
import math
import wave

from harness import check, equal, expect_record, main, until
from rtp_peer import ulaw
from sip_peer import SipPeer, tag


def early(call, code=183, dialog=None):
    """Early media of one of the phones behind the gateway, and its voice."""
    if dialog:
        call.tag = dialog
    call.early_sdp = call.sdp()
    call.reply(code, sdp=call.early_sdp)
    call.media.start(call.remote_rtp(), 0)


def picks_up(call):
    call.reply(200, sdp=call.early_sdp)
    call.expect("ACK")


def listening(rig, script, **bridge):
    action = {"gateways": ["pbx"], "user": "600", "accept_on": "early_media", **bridge}
    w = rig.watrunk(dialplan=[{"name": "all", "actions": [{"bridge": action}]}])
    return w, rig.add(SipPeer(rig, script))


def user(rig):
    rig.sim = rig.metasim(users=[rig.user(steps=[{"call": True}])])
    return rig.sim


def hears(rig):
    """For the gateway's script, which may be faster than the story."""
    until(lambda: hasattr(rig, "sim"), "metasim")
    rig.sim.wait_user_event("audio_heard")


def story_not_heard_by_default(rig):
    def script(call):
        early(call)
        call.heard = len(call.media.audio())
        picks_up(call)
        call.expect("BYE")
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(talk_ms=400).report()
    peer.wait_done()
    expect_record(w.wait_records(1)[0], status="completed", early_media="unheard", accepted_on="answer")
    equal(peer.calls[0].heard, 0, "packets of the user before the answer")


def story_announcement_then_answer(rig):
    """The user hears the announcement, and the announcement hears him; the 200 is no second accept."""
    def script(call):
        early(call)
        until(lambda: len(call.media.audio(pt=0)) > 25, "the user's voice before the answer")
        hears(rig)
        check(not w.events("sip_answered"), "answered already")
        picks_up(call)
        call.expect("BYE")
    w, peer = listening(rig, script)
    sim = user(rig)
    w.wait_event("sip_answered")
    sim.act(hang_up=True)
    w.wait_event("call_ended")
    sim.report()
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", early_media="heard", accepted_on="early_media")
    equal(len([e for e in w.events("graph_sent") if e["verb"] == "accept"]), 1, "accepts")
    w.check_idle()


def refused_after_early_media(rig, code, **wanted):
    def script(call):
        call.reply(180)
        early(call, code=180 if code == 486 else 183)
        hears(rig)
        call.reply(code)
        call.expect("ACK")
    w, peer = listening(rig, script)
    sim = user(rig)
    w.wait_event("call_ended")
    meta, = sim.report()
    peer.wait_done()
    equal(meta["ended_by"], "business", "ended by")
    record, = w.wait_records(1)
    expect_record(record, ended_by="sip", sip_code=code, answered_ms=bool, early_media="heard", accepted_on="early_media", **wanted)
    equal([e["verb"] for e in w.events("graph_sent")][-1], "terminate", "the last verb")
    w.check_idle()


def story_announcement_then_busy(rig):
    refused_after_early_media(rig, 486, status="rejected", cause="busy")


def story_announcement_then_failure(rig):
    """Who was heard is the call's: no other gateway is tried."""
    refused_after_early_media(rig, 503, status="failed", cause="gateway_down")


def story_user_hangs_up_on_the_announcement(rig):
    def script(call):
        early(call)
        call.expect("CANCEL", timeout=20)
        call.reply(487)
        call.expect("ACK")
    w, peer = listening(rig, script)
    sim = user(rig)
    sim.wait_user_event("audio_heard")
    sim.act(hang_up=True)
    w.wait_event("call_ended")
    sim.report()
    peer.wait_done()
    expect_record(w.wait_records(1)[0], status="cancelled", cause="cancelled", ended_by="user", early_media="heard")
    w.check_idle()


def story_ring_time_ends_the_announcement(rig):
    def script(call):
        early(call)
        call.expect("CANCEL", timeout=20)
        call.reply(487)
        call.expect("ACK")
    w, peer = listening(rig, script, timeout=2)
    sim = user(rig)
    w.wait_event("call_ended")
    sim.report()
    peer.wait_done()
    expect_record(w.wait_records(1)[0], status="missed", cause="no_answer", ended_by="watrunk", early_media="heard")


def story_late_forks(rig):
    """A proxy rings two phones: each has an early dialog of its own, a third one picks up."""
    def script(call):
        call.reply(100)
        early(call, dialog=tag())
        hears(rig)
        call.media.sending = False
        first, call.media = call.media, None
        early(call, dialog=tag())
        until(lambda: len(call.media.audio(pt=0)) > 10, "the user at the second phone")
        second, call.media = call.media, None
        second.sending = False
        call.tag = tag()
        call.answer()
        until(lambda: len(call.media.audio(pt=0)) > 25, "the user at the third phone")
        check(len({first.port, second.port, call.media.port}) == 3, "ports")
        call.expect("BYE")
    w, peer = listening(rig, script)
    sim = user(rig)
    w.wait_event("sip_answered")
    until(lambda: peer.faults or (peer.calls[0].media and len(peer.calls[0].media.audio(pt=0)) > 25), "the third phone")
    sim.act(hang_up=True)
    w.wait_event("call_ended")
    sim.report()
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, status="completed", early_media="heard", accepted_on="early_media")
    equal(record["attempts"][0]["sip_code"], 200, "the attempt")


def share_of(pcm, rate, hz):
    """Of the energy, at hz."""
    angle = 2 * math.pi * hz / rate
    total = sum(s * s for s in pcm) * len(pcm) / 2 or 1
    return (sum(s * math.cos(angle * n) for n, s in enumerate(pcm)) ** 2 + sum(s * math.sin(angle * n) for n, s in enumerate(pcm)) ** 2) / total


def greeted(rig, keep):
    """How many frames of 20 ms of its first 400 ms the user hears when Meta answers 600 ms later; and the record."""
    heard = rig.dir / "heard.wav"
    hello = [bytes(ulaw(int(8000 * math.sin(2 * math.pi * 1000 * n / 8000))) for n in range(160))] * 20

    def script(call):
        call.sdp()
        call.media.next_frames = list(hello)
        call.answer()                                   # and speaks at once
        until(lambda: len(call.media.audio(pt=0)) > 50, "the user")
        call.request("BYE")
    w = rig.watrunk(media={"keep_greeting": keep})
    peer = rig.add(SipPeer(rig, script))
    sim = rig.metasim(hear=str(heard), graph={"accept": {"delay_ms": 600}}, users=[rig.user(steps=[{"call": True}])])
    peer.wait_calls()
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal")
    for side in ("wa_rx", "sip_rx"):
        check(1 <= record[side]["mos"] <= 4.5 and record[side]["loss_percent"] >= 0, f"{side}: {record[side]}")
    out = w.cli("calls", "--history", "--quality")[1]
    check("from WhatsApp" in out and "from SIP" in out, out)
    sim.report()
    with wave.open(str(heard)) as f:
        rate, pcm = f.getframerate(), array.array("h", f.readframes(f.getnframes()))
    size = rate // 50
    return sum(share_of(pcm[i:i + size], rate, 1000) > 0.6 for i in range(0, len(pcm) - size, size)), record


def story_greeting_is_kept(rig):
    frames, record = greeted(rig, True)
    check(frames >= 16, f"{frames} of 20 frames of the greeting were heard")
    check(record["greeting_held_ms"] >= 400, f"{record['greeting_held_ms']} ms were held")
    equal(record["greeting_lost_ms"], 0, "ms of it lost")


def story_greeting_is_not_kept(rig):
    frames, record = greeted(rig, False)
    equal(record["greeting_held_ms"], None, "held")
    check(frames <= 8, f"{frames} frames of the greeting were heard")


if __name__ == "__main__":
    main()
