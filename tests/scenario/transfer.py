"""A live call moves from one SIP endpoint to another, by REFER, by Replaces, by 302, by the API; WhatsApp never notices."""
import array
import re
import time
import wave

from harness import check, equal, expect_record, main, until
from sip_peer import SipPeer
from tls import Authority, server_context

MAX_GAP_MS = 200
FRAME_MS = 20


def answers(call):
    call.reply(180)
    call.answer()
    call.leave = call.expect("BYE")


class Desk:
    """A user calls, the pbx answers; a second endpoint waits for him."""

    def __init__(self, rig, at_desk=answers, at_pbx=None, config=None, authority=None, **plan):
        """authority: the desk speaks TLS, and its certificate comes from there."""
        self.rig, self.heard = rig, rig.dir / "heard.wav"
        port, over, context = rig.ports.one(), "udp", None
        if authority:
            over, context = "tls", server_context(authority.issue("desk", "IP:127.0.0.1"))
            certificate, key = authority.issue("trunk", "DNS:trunk.example")
            config = {"sip": {"listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tls:127.0.0.1:{rig.ports.one()}"],
                              "tls": {"certificate": certificate, "key": key, "ca": authority.pem}}}
        self.w = rig.watrunk(gateways=[rig.gateway(), {"name": "desk", "uri": f"sip:127.0.0.1:{port};transport={over}"}], **(config or {}))
        self.pbx = rig.add(SipPeer(rig, at_pbx or (lambda call: (call.reply(180), call.answer()))))
        self.desk = rig.add(SipPeer(rig, at_desk, port=port, transport=over, tls=context))
        self.target = f"sip:700@127.0.0.1:{port}"
        self.sim = rig.metasim(users=[rig.user(steps=[{"call": True}])], hear=str(self.heard), **plan)
        self.sim.wait_user_event("audio_heard")
        self.call = self.pbx.wait_calls(1)
        until(lambda: len(self.call.media.audio(pt=0)) > 25, "the pbx hears the user")

    def expect_notifies(self, *codes):
        """NOTIFYs in order; those in between may be left out by the sender, the last one must end the subscription."""
        seen = []
        while not seen or seen[-1] != codes[-1]:
            notify = self.call.expect("NOTIFY")
            match = re.match(r"SIP/2\.0 (\d+)", notify.body)
            check(match, f"NOTIFY without sipfrag: {notify.body!r}")
            seen.append(int(match.group(1)))
            check(seen[-1] in codes, f"NOTIFY {seen}, expected {codes}")
        check(notify.get("Subscription-State").startswith("terminated"), "the last NOTIFY leaves the subscription open")

    def talk(self, call, seconds=1.0):
        since = time.monotonic()
        until(lambda: call.media and len(call.media.audio(pt=0, since=since)) > seconds * 45, "audio at the endpoint")

    def end(self):
        self.sim.act(hang_up=True)
        self.w.wait_event("call_ended")     # or the webhook might die with metasim
        meta, = self.sim.report()
        equal(meta["rx_lost"], 0, "packets missing in the stream toward WhatsApp")
        return meta

    def gap_ms(self):
        """The longest silence the user heard between the first sound and the last: both endpoints speak all the time."""
        with wave.open(str(self.heard)) as f:
            samples, per_frame = array.array("h", f.readframes(f.getnframes())), f.getframerate() * FRAME_MS // 1000
        loud = [max(map(abs, samples[i:i + per_frame])) > 500 for i in range(0, len(samples) - per_frame, per_frame)]
        check(any(loud), "the user heard nothing")
        first, last = loud.index(True), len(loud) - 1 - loud[::-1].index(True)
        longest = run = 0
        for frame in loud[first:last + 1]:
            run = 0 if frame else run + 1
            longest = max(longest, run)
        return longest * FRAME_MS


def story_blind(rig):
    d = Desk(rig)
    answer = d.call.refer(d.target, headers=["Referred-By: <sip:pbx@127.0.0.1>"])
    equal(answer.status, 202, "answer to REFER")
    d.expect_notifies(100, 180, 200)
    d.call.expect("BYE")
    moved = d.desk.wait_calls(1)
    equal(moved.invite.get("Referred-By"), "<sip:pbx@trunk.example>", "Referred-By: who referred, not where he sits")
    equal(moved.invite.start.split()[1].split(";")[0], d.target, "Request-URI")
    d.talk(moved)
    left = len(d.call.media.audio())
    d.talk(moved, 0.5)
    check(len(d.call.media.audio()) - left < 3, "the transferor is still sent audio")
    d.end()
    until(lambda: hasattr(moved, "leave"), "BYE at the target")
    gap = d.gap_ms()
    check(gap < MAX_GAP_MS, f"the user heard nothing for {gap} ms")
    first = moved.media.audio()[0][0] - d.call.media.audio()[-1][0]
    check(first < MAX_GAP_MS / 1000, f"nothing was heard of the user for {first * 1000:.0f} ms")
    record, = d.w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user")
    print(f"       gap toward the user {gap} ms, toward SIP {first * 1000:.0f} ms")


def story_transferor_leaves_at_once(rig):
    """Many telephones hang up as soon as their REFER is taken."""
    def slowly(call):
        call.reply(180)
        until(lambda: left, "the transferor's BYE")
        call.answer()
        call.leave = call.expect("BYE")
    left = []
    d = Desk(rig, at_desk=slowly)
    equal(d.call.refer(d.target).status, 202, "answer to REFER")
    d.call.expect("NOTIFY")
    d.desk.wait_calls(1)
    d.call.inbox.queue.clear()
    d.call.request("BYE")
    left.append(True)
    d.talk(d.desk.calls[0])
    d.end()
    record, = d.w.wait_records(1)
    expect_record(record, status="completed", ended_by="user")


def story_target_is_busy(rig):
    d = Desk(rig, at_desk=lambda call: (call.reply(486), call.expect("ACK")))
    equal(d.call.refer(d.target).status, 202, "answer to REFER")
    d.expect_notifies(100, 486)
    d.talk(d.call)
    d.call.bye()
    d.sim.report()
    expect_record(d.w.wait_records(1)[0], status="completed", ended_by="sip")


def story_target_does_not_answer(rig):
    d = Desk(rig, at_desk=lambda call: (call.reply(180), call.expect("CANCEL"), call.reply(487), call.expect("ACK")),
             config={"transfer": {"ring_timeout": 1}})
    equal(d.call.refer(d.target).status, 202, "answer to REFER")
    while not d.call.expect("NOTIFY").get("Subscription-State").startswith("terminated"):
        pass
    d.talk(d.call)
    d.call.bye()
    d.sim.report()
    d.desk.wait_done()


def story_target_not_allowed(rig):
    d = Desk(rig)
    equal(d.call.refer("sip:evil@192.0.2.200").status, 403, "answer to REFER")
    equal(d.call.refer(d.target.replace("sip:", "sips:")).status, 400, "answer to a REFER that asks for TLS")
    equal(d.call.refer(d.target + ";transport=tls").status, 400, "answer to a REFER that asks for TLS where there is no listener for it")
    d.talk(d.call)
    d.call.bye()
    d.sim.report()
    equal(d.desk.calls, [], "calls at the desk")


def story_target_over_tls(rig):
    """It was refused as if TLS were not spoken."""
    d = Desk(rig, authority=Authority(rig, "ca"))
    equal(d.call.refer(d.target.replace("sip:", "sips:")).status, 400, "answer to a REFER to sips:")
    equal(d.call.refer(d.target + ";transport=tls").status, 202, "answer to REFER")
    d.expect_notifies(100, 180, 200)
    d.call.expect("BYE")
    moved = d.desk.wait_calls(1)
    check(moved.invite.get("Via").startswith("SIP/2.0/TLS "), f"Via {moved.invite.get('Via')}")
    d.talk(moved)
    d.end()
    expect_record(d.w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")


def story_attended(rig):
    d = Desk(rig)
    replaces = "Replaces=abc%40desk%3Bto-tag%3D1%3Bfrom-tag%3D2"
    equal(d.call.refer(f"{d.target}?{replaces}").status, 202, "answer to REFER")
    d.expect_notifies(100, 180, 200)
    d.call.expect("BYE")
    moved = d.desk.wait_calls(1)
    equal(moved.invite.get("Replaces"), "abc@desk;to-tag=1;from-tag=2", "Replaces")
    d.talk(moved)
    d.end()


def story_replaced_by_the_pbx(rig):
    """The pbx has done the transfer itself: another of its phones takes the dialog's place."""
    d = Desk(rig)
    invite = d.call.invite
    ours = re.search(r"tag=([^;]+)", invite.get("From")).group(1)
    new = d.desk.dial("600", headers=[f"Replaces: {d.call.id};to-tag={ours};from-tag={d.call.tag}"])
    new.wait_answer()
    d.call.expect("BYE")
    d.talk(new)
    d.sim.act(hang_up=True)
    new.expect("BYE")
    meta, = d.sim.report()
    equal(meta["rx_lost"], 0, "packets missing in the stream toward WhatsApp")
    gap = d.gap_ms()
    check(gap < MAX_GAP_MS, f"the user heard nothing for {gap} ms")


def story_by_the_api(rig):
    d = Desk(rig)
    live, = d.w.live()
    code, answer = d.w.post(f"/v1/calls/{live['id']}/transfer", {"gateway": "desk", "user": "700"})
    check(code in (200, 202), f"transfer: {code} {answer}")
    d.call.expect("BYE")
    d.talk(d.desk.wait_calls(1))
    d.end()
    check(d.gap_ms() < MAX_GAP_MS, f"the user heard nothing for {d.gap_ms()} ms")


def story_redirected(rig):
    """302 to the INVITE: followed when policy allows it."""
    port = {}

    def elsewhere(call):
        call.reply(302, headers=[f"Contact: <{port['target']}>"])
        call.expect("ACK")
    target = rig.ports.one()
    port["target"] = f"sip:700@127.0.0.1:{target}"
    w = rig.watrunk(gateways=[rig.gateway(), {"name": "desk", "uri": f"sip:127.0.0.1:{target};transport=udp"}])
    rig.add(SipPeer(rig, elsewhere))
    desk = rig.add(SipPeer(rig, answers, port=target))
    meta, = rig.metasim(talk_ms=800).report()
    check(meta["rx_packets"] > 20, "the user heard nothing")
    desk.wait_done()
    expect_record(w.wait_records(1)[0], status="completed")


def story_redirected_out_of_policy(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, lambda call: (call.reply(302, headers=["Contact: <sip:x@192.0.2.1>"]), call.expect("ACK"))))
    rig.metasim().report()
    expect_record(w.wait_records(1)[0], status="failed", answered_ms=None)


def story_hold_mute_dtmf_by_the_api(rig):
    d = Desk(rig)
    live, = d.w.live()
    path = f"/v1/calls/{live['id']}"
    equal(d.w.post(path + "/hold", {"on": True})[0], 200, "hold")
    since = time.monotonic()
    until(lambda: len(d.call.media.audio(pt=0, since=since)) > 50, "audio toward the held side goes on")
    equal(d.w.live()[0]["on_hold"], True, "on_hold")
    equal(d.w.post(path + "/hold", {"on": False})[0], 200, "resume")
    equal(d.w.post(path + "/dtmf", {"digits": "12#", "to": "sip"})[0], 202, "dtmf")
    until(lambda: [x.key for x in d.call.media.digits if x.ends] == list("12#"), "the digits")
    equal(d.w.post(path + "/mute", {"side": "sip", "on": True})[0], 200, "mute")
    equal(d.w.post("/v1/calls/c-000000000000/hold", {"on": True})[0], 404, "hold of no call")
    d.call.bye()
    d.sim.report()


if __name__ == "__main__":
    main()
