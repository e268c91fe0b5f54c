"""Recordings and RTP copies of live calls: by rule and by API, paused, stopped, on disks that say no; what was said is in them."""
import contextlib
import json
import math
import struct
import wave

from harness import WAIT_S, check, equal, expect_record, main, until
from receiver import Receiver
from rtp_peer import RtpPeer
from sip_peer import SipPeer

USER_HZ, AGENT_HZ = 720, 400    # what each side says: the user's file, and the tone of rtp_peer.py
BRIDGE = [{"bridge": {"gateways": ["pbx"], "user": "600"}}]


def answers(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def write_tone(path, hz, seconds):
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        w.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(2 * math.pi * hz * n / 8000))) for n in range(8000 * seconds)))
    return str(path)


def strength(samples, hz):
    """How much of it is this tone, 0 to 1 (Goertzel)."""
    power = sum(s * s for s in samples)
    if power < len(samples) * 100 * 100:
        return 0.0
    re = sum(s * math.cos(2 * math.pi * hz * n / 8000) for n, s in enumerate(samples))
    im = sum(s * math.sin(2 * math.pi * hz * n / 8000) for n, s in enumerate(samples))
    return 2 * (re * re + im * im) / (power * len(samples))


def channels(path):
    """Both sides of a recording, and of each 100 ms who is heard: "both", "user", "agent", "-"."""
    with wave.open(str(path)) as w:
        equal((w.getnchannels(), w.getsampwidth(), w.getframerate()), (2, 2, 8000), f"format of {path.name}")
        pcm = struct.unpack(f"<{2 * w.getnframes()}h", w.readframes(w.getnframes()))
    heard = []
    for at in range(0, len(pcm) // 2 - 799, 800):
        left, right = pcm[2 * at:2 * at + 1600:2], pcm[2 * at + 1:2 * at + 1600:2]
        user, agent = strength(left, USER_HZ) > 0.8, strength(right, AGENT_HZ) > 0.8
        check(strength(left, AGENT_HZ) < 0.2 and strength(right, USER_HZ) < 0.2, f"{path.name}: the sides are mixed up at {at / 8000} s")
        heard.append({(1, 1): "both", (1, 0): "user", (0, 1): "agent", (0, 0): "-"}[user, agent])
    return heard


def events_of(w, call):
    return [line["event"] for line in w.events("recording_started") + w.events("recording_stopped") + w.events("recording_failed")
            if line["call"] == call]


def set_up(rig, talk=True, **changes):
    directory = rig.dir / "recordings"
    directory.mkdir()
    w = rig.watrunk(recording={"directory": str(directory), **changes.pop("recording", {})}, **changes)
    rig.add(SipPeer(rig, answers))
    return w, directory, rig.metasim(say=write_tone(rig.dir / "say.wav", USER_HZ, 2)) if talk else None


def up(w, sim):
    sim.wait_event("first_rx")
    until(lambda: w.live() and w.live()[0]["state"] == "up", "the call is up")
    return w.live()[0]["id"]


def act(w, call, action, want=202):
    equal(w.post(f"/v1/calls/{call}/recording", {"action": action})[0], want, f"answer to {action}")


def told(w, action, call):
    """By the command line."""
    code, out, err = w.cli("recording", call, action)
    equal((code, out, err), (0, f"{call}: {action}\n", ""), f"`watrunk recording ... {action}`")


def grown(path, size):
    until(lambda: path.exists() and path.stat().st_size > size, f"{path.name} has {size} bytes")
    return path.stat().st_size


def story_by_rule_with_a_pause(rig):
    w, directory, sim = set_up(rig, dialplan=[{"name": "all", "actions": BRIDGE, "record": {"path": "{number}/{from}_{call_id}"}}])
    call = up(w, sim)
    name = f"+12025550123/+447700900123_{call}.wav"
    part = directory / (name + ".part")
    equal(w.wait_event("recording_started")["path"], name, "path")
    act(w, call, "start", 409)
    grown(part, 40000)
    equal((part.stat().st_mode & 0o777, part.parent.stat().st_mode & 0o777), (0o600, 0o700), "modes")
    equal((w.live()[0]["recording"], w.live()[0]["forked"]), ("on", False), "the live call")
    told(w, "pause", call)
    equal(w.live()[0]["recording"], "paused", "the live call")
    grown(part, part.stat().st_size + 40000)
    told(w, "resume", call)
    grown(part, part.stat().st_size + 40000)
    equal(w.cli("hangup", call)[0], 0, "exit code of `watrunk hangup`")
    sim.report()
    record, = w.wait_records(1)
    expect_record(record, recording=name, recording_end="call_ended", recording_ms=lambda ms: ms > 2000)
    check(not part.exists(), "the .part file is still there")
    equal(events_of(w, call), ["recording_started", "recording_stopped"], "log")
    heard = channels(directory / name)
    check(abs(len(heard) * 100 - record["recording_ms"]) <= 100, f"{len(heard)} x 100 ms in a file of {record['recording_ms']} ms")
    # Both, a pause with nobody, both again; at the seams one side may be heard a moment longer.
    story = [h for n, h in enumerate(heard) if h in ("both", "-") and (n == 0 or h != heard[n - 1])]
    story = [h for n, h in enumerate(story) if n == 0 or h != story[n - 1]]
    check("both,-,both" in ",".join(story), f"heard: {heard}")
    check(heard.count("both") >= 8 and heard.count("-") >= 4, f"heard: {heard}")
    w.check_idle()


def story_by_api_twice_and_on_a_bad_disk(rig):
    receiver = rig.add(Receiver(rig))
    w, directory, sim = set_up(rig, recording={"path": "{call_id}"}, events=[{"name": "crm", "url": receiver.url()}])
    call = up(w, sim)
    act(w, call, "pause", 409)
    act(w, call, "stop", 409)
    code, _, err = w.cli("recording", call, "stop")
    check(code == 1 and "not being recorded" in err, f"`watrunk recording ... stop`: {code} {err}")
    equal(w.cli("recording", call, "louder")[0], 2, "exit code of an action that there is not")
    equal(w.live()[0]["recording"], None, "the live call")
    act(w, call, "start")
    grown(directory / f"{call}.wav.part", 30000)
    act(w, call, "stop")
    w.wait_event("recording_stopped", reason="stopped")
    act(w, call, "start")
    w.wait_event("recording_started", count=2)
    grown(directory / f"{call}-2.wav.part", 30000)
    act(w, call, "stop")
    w.wait_event("recording_stopped", count=2)
    for name in (f"{call}.wav", f"{call}-2.wav"):
        check(channels(directory / name).count("both") >= 3, f"{name}: {channels(directory / name)}")
    directory.rename(rig.dir / "gone")
    act(w, call, "start")
    w.wait_event("recording_failed")
    equal((w.live()[0]["state"], w.live()[0]["recording"]), ("up", None), "the call, whose recording has failed")
    failed = receiver.wait_type("recording.failed")
    equal((failed["subject"], failed["data"]["call"], failed["data"]["reason"]), (call, call, "no_directory"), "event recording.failed")
    equal([t for t in receiver.types(call) if t.startswith("recording.")],
          ["recording.started", "recording.stopped", "recording.started", "recording.stopped", "recording.failed"], "events of its recordings")
    equal(w.counters()["recordings_failed"], 1, "recordings_failed")
    equal(w.cli("hangup", call)[0], 0, "exit code of `watrunk hangup`")
    sim.report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", recording_end="failed: no_directory", recording=None)
    equal(w.post(f"/v1/calls/{call}/recording", {"action": "start"})[0], 404, "start after the end")


def story_announced(rig):
    write_tone(rig.dir / "announcement.wav", 1000, 1)
    w, directory, sim = set_up(rig, recording={"announcement": str(rig.dir / "announcement.wav"), "announce": "both"},
                               dialplan=[{"name": "all", "actions": BRIDGE, "record": {}}])
    call = up(w, sim)
    day = w.wait_event("recording_started")["path"].split("/")[0]
    grown(directory / day / f"{call}.wav.part", 30000)
    equal(w.cli("hangup", call)[0], 0, "exit code of `watrunk hangup`")
    sim.report()
    record, = w.wait_records(1)
    heard = channels(directory / record["recording"])
    check(heard.count("both") >= 3, f"heard: {heard}")
    check(record["recording_ms"] < record["duration_ms"], "the recording began when the announcement was over")


def story_announcement_by_reload(rig):
    """It is read at start: nobody is recorded without the announcement that the configuration promises him."""
    write_tone(rig.dir / "announcement.wav", 1000, 1)
    w, directory, _ = set_up(rig, dialplan=[{"name": "all", "actions": BRIDGE, "record": {}}], talk=False)
    config = json.loads(w.path.read_text())
    config["recording"]["announcement"] = str(rig.dir / "announcement.wav")
    w.path.write_text(json.dumps(config))
    equal(w.post("/v1/reload"), (200, {"reloaded": True, "needs_restart": ["recording.announcement"]}), "answer to the reload")
    sim = rig.metasim()
    call = up(w, sim)
    w.wait_event("recording_failed", call=call)
    act(w, call, "start", 501)
    equal(w.cli("hangup", call)[0], 0, "exit code of `watrunk hangup`")
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed", recording_end="failed: no_announcement", recording=None)
    equal(list(directory.iterdir()), [], "files")


@contextlib.contextmanager
def listener(rig):
    peer = RtpPeer()
    yield peer
    peer.close()


def streams_of(peer):
    found = {}
    for _, pt, seq, ts, ssrc, _, payload in list(peer.received):
        found.setdefault(ssrc, []).append((pt, seq, ts, payload))
    return found


def story_forked(rig):
    with listener(rig) as ear:
        to = f"127.0.0.1:{ear.port}"
        w = rig.watrunk(media_fork={"allow": ["127.0.0.0/8"]}, dialplan=[{"name": "all", "actions": BRIDGE, "fork": {"to": to}}])
        rig.add(SipPeer(rig, answers))
        sim = rig.metasim(say=write_tone(rig.dir / "say.wav", USER_HZ, 2))
        call = up(w, sim)
        until(lambda: len(streams_of(ear)) == 2 and all(len(p) >= 40 for p in streams_of(ear).values()), "both copies")
        for ssrc, packets in streams_of(ear).items():
            packets = packets[5:40]
            check(all(p[0] == 0 and len(p[3]) == 160 for p in packets), f"PCMU of 20 ms: {packets[0][0]}, {len(packets[0][3])}")
            check(all((b[1] - a[1]) & 0xffff == 1 for a, b in zip(packets, packets[1:])), "sequence numbers without holes")
            check(all((b[2] - a[2]) & 0xffffffff >= 160 for a, b in zip(packets, packets[1:])), "timestamps go on")
            pcm = [decode(byte) for p in packets[10:15] for byte in p[3]]
            hz = AGENT_HZ if ssrc & 1 else USER_HZ
            check(strength(pcm, hz) > 0.8, f"SSRC {ssrc:x} is not the side it should be")
        path = f"/v1/calls/{call}/fork"
        equal(w.post(path, {"action": "start", "to": "192.0.2.1:9000"})[0], 422, "a place that is not allowed")
        equal(w.post(path, {"action": "start", "to": "elsewhere"})[0], 422, "no place at all")
        equal(w.post(path, {"action": "start", "to": to, "directions": "user", "format": "l16"})[0], 202, "another copy instead")
        until(lambda: any(p[0] == 96 for s in streams_of(ear).values() for p in s), "L16")
        equal(w.live()[0]["forked"], True, "the live call")
        equal(w.cli("fork", call, "stop")[:2], (0, f"{call}: stop\n"), "`watrunk fork ... stop`")
        equal(w.live()[0]["forked"], False, "the live call")
        equal(w.cli("fork", call, "start", "--to", to, "--directions", "user", "--format", "l16")[0], 0, "exit code of `watrunk fork ... start`")
        equal(w.post(path, {"action": "stop"})[0], 202, "stop")
        check(not any(p[0] == 96 for s, ps in streams_of(ear).items() if s & 1 for p in ps), "the agent was not asked for")
        equal(w.live()[0]["state"], "up", "the call")
        equal(w.cli("hangup", call)[0], 0, "exit code of `watrunk hangup`")
        sim.report()
        w.wait_records(1)


def decode(byte):
    byte = ~byte & 0xff
    value = ((byte & 0x0f) << 3) + 132 << (byte >> 4 & 7)
    return 132 - value if byte & 0x80 else value - 132


if __name__ == "__main__":
    main()
