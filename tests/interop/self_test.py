#!/usr/bin/python3
"""Proves this folder's peers against each other, without watrunk.

A small bridge stands in for it: a full-ICE aiortc RTCPeerConnection that answers the webhook and speaks to the Graph
endpoint as it should, or breaks one rule, which meta_aiortc.py must notice. baresip is called by a second baresip.

    self_test.py [--keep]
"""

import argparse
import asyncio
import fractions
import hashlib
import hmac
import json
import os
import shutil
import struct
import sys
import tempfile
import time
import urllib.error
import urllib.request
import wave

import harness
from baresip_pbx import PORTS as BARESIP_PORTS
from baresip_pbx import Baresip
from harness import Failure, Process
from meta_sdp import check_offer, make_sdp

HERE = os.path.dirname(os.path.abspath(__file__))
TALK_S = 6
RATE, FRAME = 48000, 960


# ---- the bridge that stands in ----


def stand_in_main(args):
    """Runs in a process of its own, as aiortc's settings are global."""
    import aiortc
    from av import AudioFrame

    import meta_aiortc  # lets aioice use 127.0.0.1

    for codec in aiortc.codecs.CODECS["audio"]:
        if codec.mimeType == "audio/opus":
            codec.payloadType = 111

    class Speech(aiortc.MediaStreamTrack):
        kind = "audio"

        def __init__(self):
            super().__init__()
            with wave.open(args.play, "rb") as w:
                self.pcm = w.readframes(w.getnframes())
            self.go, self.frames, self.began = asyncio.Event(), 0, 0.0

        async def recv(self):
            await self.go.wait()
            self.began = self.began or time.monotonic()
            await asyncio.sleep(max(0.0, self.began + self.frames * 0.02 - time.monotonic()))
            frame = AudioFrame(format="s16", layout="mono", samples=FRAME)
            at = self.frames * FRAME * 2
            frame.planes[0].update(self.pcm[at : at + FRAME * 2].ljust(FRAME * 2, b"\0"))
            frame.sample_rate, frame.pts, frame.time_base = RATE, self.frames * FRAME, fractions.Fraction(1, RATE)
            self.frames += 1
            return frame

    class Bridge:
        def __init__(self):
            self.pc = aiortc.RTCPeerConnection()
            self.speech = Speech()
            self.heard = bytearray()
            self.ended = asyncio.Event()

        def graph(self, action, wacid, **more):
            body = {"messaging_product": "whatsapp", "action": action, "call_id": wacid, **more}
            token = "wrong" if args.fault == "token" else "interop-token"
            request = urllib.request.Request(
                "http://127.0.0.1:%d/v25.0/310000000000002/calls" % args.graph_port, data=json.dumps(body).encode(),
                headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    return response.status
            except urllib.error.HTTPError as e:
                return e.code

        async def record(self, track):
            try:
                while True:
                    frame = await track.recv()
                    stereo = memoryview(bytes(frame.planes[0])[: frame.samples * 4]).cast("h")
                    self.heard += struct.pack("=%dh" % frame.samples, *stereo[0::2])
            except aiortc.mediastreams.MediaStreamError:
                pass

        def answer(self):
            lines = []
            for line in self.pc.localDescription.sdp.splitlines():
                lines.append(line)
                if line.startswith("a=rtcp-mux"):
                    lines.append("a=ptime:20")
                if line.startswith("a=fingerprint") and args.fault == "fingerprints":
                    lines.append(line)
            return "\r\n".join(lines) + "\r\n"

        async def talk(self, call):
            loop = asyncio.get_running_loop()

            def ask(action, **more):
                return loop.run_in_executor(None, lambda: self.graph(action, call["id"], **more))

            self.pc.on("track", lambda track: asyncio.ensure_future(self.record(track)))
            self.pc.addTrack(self.speech)
            await self.pc.setRemoteDescription(
                aiortc.RTCSessionDescription(sdp=call["session"]["sdp"], type="offer"))
            await self.pc.setLocalDescription(await self.pc.createAnswer())
            session = {"sdp_type": "answer", "sdp": self.answer()}
            if await ask("pre_accept", session=session) != 200:
                self.ended.set()
                return
            while self.pc.connectionState == "connecting" or self.pc.connectionState == "new":
                await asyncio.sleep(0.02)
            if args.fault == "early_media":
                self.speech.go.set()
                await asyncio.sleep(0.2)
            if args.fault == "second_sdp":
                session = dict(session, sdp=session["sdp"].replace("o=- ", "o=- 1"))
            if await ask("accept", session=session) != 200:
                self.ended.set()
                return
            self.speech.go.set()
            if args.hangup == "business":
                await asyncio.sleep(TALK_S)
                await ask("terminate")

        def webhook(self, headers, body):
            expected = "sha256=" + hmac.new(b"interop-app-secret", body, hashlib.sha256).hexdigest()
            if headers.get("x-hub-signature-256") != expected:
                return 401
            for call in json.loads(body)["entry"][0]["changes"][0]["value"]["calls"]:
                if call["event"] == "connect":
                    asyncio.ensure_future(self.talk(call))
                else:
                    self.ended.set()
            return 200

        async def serve(self, reader, writer):
            request = await meta_aiortc.read_request(reader)
            if request:
                method, path, headers, body = request
                status, text = 200, b""
                if method == "GET":
                    text = path.split("hub.challenge=")[1].split("&")[0].encode()
                else:
                    status = self.webhook(headers, body)
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(text)) + text)
                await writer.drain()
            writer.close()

        async def run(self):
            server = await asyncio.start_server(self.serve, "127.0.0.1", args.webhook_port)
            await asyncio.wait_for(self.ended.wait(), 30)
            await self.pc.close()
            server.close()
            with wave.open(args.record, "wb") as w:
                w.setparams((1, 2, RATE, 0, "NONE", ""))
                w.writeframes(self.heard)

    asyncio.run(Bridge().run())


# ---- the tests ----


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Call:
    """One call between the stand-in and meta_aiortc.py; several may run at a time."""

    def __init__(self, folder, name, hangup="user", fault=""):
        ports = harness.free_ports(2)
        self.name, self.fault = name, fault
        self.user_hears, self.business_hears = (
            os.path.join(folder, "%s-%s.wav" % (name, who)) for who in ("user", "business"))
        self.bridge = Process(name + "-bridge", [
            sys.executable, os.path.join(HERE, "self_test.py"), "--stand-in", "--graph-port", str(ports),
            "--webhook-port", str(ports + 1), "--play", os.path.join(folder, "business-48k.wav"), "--record",
            self.business_hears, "--hangup", hangup, "--fault", fault], folder)
        self.meta = Process(name + "-meta", [
            sys.executable, os.path.join(HERE, "meta_aiortc.py"), "--graph-port", str(ports), "--webhook",
            "http://127.0.0.1:%d/webhook" % (ports + 1), "--play", os.path.join(folder, "user-48k.wav"), "--record",
            self.user_hears, "--hangup", hangup, "--talk", str(TALK_S), "--accept-window", "5", "--deadline", "25"],
            folder)
        # its ports are taken before anybody else looks for free ones
        harness.wait_until(lambda: harness.listens(ports) and harness.listens(ports + 1), 10, name + " listens")

    def finish(self):
        """Meta's report."""
        status = self.meta.wait(30)
        expect(status is not None, "%s: meta_aiortc.py does not end\n%s" % (self.name, self.meta.tail()))
        try:
            with open(self.meta.stdout_path) as f:
                report = json.load(f)
        except ValueError:
            raise Failure("%s: no report\n%s" % (self.name, self.meta.tail()))
        expect((status == 0) == report["ok"], "%s: exit status %d" % (self.name, status))
        if self.fault in ("", "early_media"):
            expect(self.bridge.wait(10) == 0, "%s: the stand-in failed\n%s" % (self.name, self.bridge.tail()))
        self.bridge.stop()
        return report


def heard(reference, recording, what, folder):
    narrow = recording + "-8k.wav"
    harness.convert(recording, narrow, 8000)
    score = harness.same_rhythm(os.path.join(folder, reference), narrow)
    print("   %s: %.2f" % (what, score))
    return score


def check_good_calls(folder):
    calls = [(hangup, Call(folder, "good-" + hangup, hangup)) for hangup in ("user", "business")]
    for hangup, call in calls:
        report = call.finish()
        expect(report["ok"], "%s: %s" % (hangup, json.dumps(report["violations"])))
        expect([v["action"] for v in report["verbs"]][:2] == ["pre_accept", "accept"], "verbs: %r" % report["verbs"])
        expect(heard("business.wav", call.user_hears, "the user hears the business", folder) > 0.85, "user: nothing")
        expect(heard("user.wav", call.business_hears, "the business hears the user", folder) > 0.85, "business: nothing")
        expect(heard("user.wav", call.user_hears, "another text", folder) < 0.7, "the ear cannot tell texts apart")


def check_faults_are_noticed(folder):
    faults = {"token": "without the access token", "fingerprints": "2 fingerprints", "second_sdp": "another SDP",
              "early_media": "RTP before accept"}
    calls = [Call(folder, "fault-" + fault, "user", fault) for fault in faults]
    for call in calls:
        report = call.finish()
        print("   %s: %s" % (call.fault, "; ".join(report["violations"])))
        expect(any(faults[call.fault] in v for v in report["violations"]), "fault %s was not noticed" % call.fault)
        expect(not report["ok"], "fault %s: ok" % call.fault)


def check_offers_are_read(_folder):
    """The offer of a call by the business: a good one, and what is wrong in others."""
    good = make_sdp("127.0.0.1", 9, "abcd", "a" * 22, ":".join(["AB"] * 32), 7).replace("a=ice-lite\r\n", "").replace(
        " 2001:db8:20::1 ", " 127.0.0.1 ")
    rows = [("a=mid:audio", "a=mid:audio", None), ("a=setup:actpass", "a=setup:active", None),
            ("a=setup:actpass", "a=setup:passive", "expected actpass or active"), ("a=mid:audio\r\n", "", "no a=mid"),
            ("a=rtcp-mux\r\n", "", "no a=rtcp-mux"), ("a=sendrecv", "a=recvonly", "not sendrecv"), ("\r\n", "\n", "not CRLF"),
            ("a=ptime:20", "a=ptime:10", "no a=ptime:20"), ("a=mid", "a=ice-lite\r\na=mid", "both sides would wait"),
            ("sha-256", "sha-1", "not a SHA-256"), ("SAVPF 111", "SAVPF 0", "111 is missing")]
    for old, new, fault in rows:
        offer, faults = check_offer(good.replace(old, new))
        expect(any(fault in f for f in faults) if fault else not faults, "%r for %r: %r" % (new, old, faults))
        expect(fault or (offer.mid, offer.ssrcs) == ("audio", [7]), "not read: %r" % offer)


def check_baresip(folder):
    phone = Baresip(folder, harness.free_ports(BARESIP_PORTS), os.path.join(folder, "business-8k.wav"))
    caller = Baresip(folder, harness.free_ports(BARESIP_PORTS), os.path.join(folder, "user-8k.wav"), user="100")
    caller.command("dial", phone.uri)
    harness.wait_until(lambda: phone.seen("CALL_ESTABLISHED"), 5, "baresip answers")
    time.sleep(TALK_S + 1)
    phone.command("hangup")
    harness.wait_until(lambda: caller.seen("CALL_CLOSED") and phone.seen("CALL_CLOSED"), 5, "baresip hangs up")
    caller.stop()
    phone.stop()
    expect(heard("user.wav", phone.recording(), "the phone hears the caller", folder) > 0.85, "the phone heard nothing")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--keep", action="store_true", help="keep the folder with logs and recordings")
    p.add_argument("--stand-in", action="store_true", help=argparse.SUPPRESS)
    for name in ("--play", "--record", "--hangup", "--fault"):
        p.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--graph-port", "--webhook-port"):
        p.add_argument(name, type=int, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.stand_in:
        stand_in_main(args)
        return 0

    missing = harness.missing_peers()
    if missing:
        harness.skip_or_fail(missing)
    harness.stop_everything_at_exit()
    folder = tempfile.mkdtemp(prefix="watrunk-interop-self-")
    try:
        harness.make_speech(folder, "user", harness.USER_TEXT, "en-us", TALK_S - 2)
        harness.make_speech(folder, "business", harness.BUSINESS_TEXT, "en-gb", TALK_S - 2)
        for check in (check_offers_are_read, check_good_calls, check_faults_are_noticed, check_baresip):
            print(check.__name__.replace("_", " "))
            check(folder)
    except Failure as e:
        print("FAILED: %s\nlogs: %s" % (e, folder))
        return 1
    harness.stop_everything()
    if args.keep:
        print("logs: %s" % folder)
    else:
        shutil.rmtree(folder)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
