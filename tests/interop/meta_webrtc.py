"""The media side of Meta's relay and the user's phone: an ICE-lite WebRTC end out of aiortc's parts.

aiortc brings DTLS, SRTP, RTCP, Opus and the jitter buffer; aioice brings STUN. Ours are only the lite side's behaviour,
the microphone, the recording, and the counting.
"""

import asyncio
import base64
import fractions
import secrets
import struct
import time
import wave

import aioice
import aiortc.rtcicetransport
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport, RTCRtpReceiver, RTCRtpSender
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcrtpparameters import (
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpSendParameters,
)
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from av import AudioFrame

from meta_sdp import DTMF_PT, OPUS_PT

RATE = 48000
FRAME = 960  # 20 ms

# aioice leaves loopback out of its candidates
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class LiteConnection(aioice.Connection):
    """RFC 8445 2.5: a lite agent sends no checks, only answers them, and uses the pair the other side nominates."""

    def __init__(self, ice_controlling, **kwargs):
        super().__init__(ice_controlling, **kwargs)
        self.local_username = "Meta" + secrets.token_hex(6)  # 16 characters
        self.local_password = base64.b64encode(secrets.token_bytes(16)).decode()  # 24, ends in "==" as Meta's do
        self.nominated_event = asyncio.Event()
        self.watch = None  # the Watch that counts
        self._early_checks_done = True

    async def connect(self):
        await self.nominated_event.wait()

    def request_received(self, message, addr, protocol, raw_data):
        if self.remote_username is None:
            self.watch.checks_before_answer += 1  # Meta: the relay is silent until it has processed the answer
            return
        self.watch.checks += 1
        if "ICE-CONTROLLING" not in message.attributes:
            self.watch.violation("a check without ICE-CONTROLLING: the full side must control (RFC 8445 6.1.1)")
        if "FINGERPRINT" not in message.attributes or "PRIORITY" not in message.attributes:
            self.watch.violation("a check without FINGERPRINT or PRIORITY (RFC 8445 7.1)")
        super().request_received(message, addr, protocol, raw_data)

    def check_incoming(self, message, addr, protocol):
        if "USE-CANDIDATE" not in message.attributes:
            return
        candidate = aioice.Candidate(
            foundation="1", component=1, transport="udp", priority=message.attributes["PRIORITY"], host=addr[0],
            port=addr[1], type="prflx")
        pair = aioice.ice.CandidatePair(protocol, candidate)
        pair.state = aioice.ice.CandidatePair.State.SUCCEEDED
        pair.nominated = True
        before = self._nominated.get(1)
        if before and before.remote_addr != pair.remote_addr:
            self.watch.violation("nominated a second pair in mid-call: %s:%d" % addr)
        self._nominated[1] = pair
        if not self.nominated_event.is_set():
            self.watch.event("ice_nominated", address="%s:%d" % addr)
            self.nominated_event.set()

    def data_received(self, data, component):
        if data:
            self.watch.datagram(data)
        super().data_received(data, component)

    async def close(self):
        self.nominated_event.set()
        await super().close()


class Watch:
    """Everything that was seen, with its time in ms since `zero`."""

    def __init__(self):
        self.zero = time.monotonic()
        self.events, self.violations = [], []
        self.checks = self.checks_before_answer = 0
        self.media_allowed = False
        self.over = False  # the call has ended: what fails now does no harm
        self.first_media = asyncio.Event()
        self.rx = {"packets": 0, "bytes": 0, "ssrcs": [], "payload_types": {}, "lost": 0, "reordered": 0,
                   "longest_gap_ms": 0, "keys": "", "rtcp": {}, "early_packets": 0, "srtp_datagrams": 0}
        self._last = None  # sequence, timestamp, arrival of the newest packet
        self._key = None  # timestamp of the newest key that has ended

    def ms(self):
        return round((time.monotonic() - self.zero) * 1000)

    def event(self, name, **more):
        self.events.append(dict(t_ms=self.ms(), event=name, **more))

    def violation(self, text):
        if text not in self.violations:
            self.violations.append(text)
            self.event("violation", what=text)

    def datagram(self, data):
        """Anything that is not STUN, before DTLS or SRTP has looked at it."""
        if not 128 <= data[0] <= 191:  # RFC 7983 7: RTP and RTCP
            return
        self.rx["srtp_datagrams"] += 1
        if not self.media_allowed and not (len(data) > 1 and 192 <= data[1] <= 223):
            self.rx["early_packets"] += 1
            self.violation("RTP before accept had returned 200, or the user had picked up")

    def rtp(self, data):
        now = self.ms()
        pt = data[1] & 0x7F
        sequence, timestamp, ssrc = struct.unpack("!HII", data[2:12])
        rx = self.rx
        rx["packets"] += 1
        rx["bytes"] += len(data)
        rx["payload_types"][str(pt)] = rx["payload_types"].get(str(pt), 0) + 1
        if pt not in (OPUS_PT, DTMF_PT):
            self.violation("RTP of payload type %d" % pt)
        if ssrc not in rx["ssrcs"]:
            rx["ssrcs"].append(ssrc)
            if len(rx["ssrcs"]) > 1:
                self.violation("a second SSRC: Meta keeps one for the whole call")
        if self._last:
            step = (sequence - self._last[0]) & 0xFFFF
            if step == 0 or step >= 0x8000:
                rx["reordered"] += 1
                return
            rx["lost"] += step - 1
            if (timestamp - self._last[1]) & 0xFFFFFFFF >= 0x80000000:
                self.violation("the RTP timestamp ran backwards")
            rx["longest_gap_ms"] = max(rx["longest_gap_ms"], now - self._last[2])
        else:
            self.event("first_media_from_business", payload_type=pt, ssrc=ssrc)
        self._last = (sequence, timestamp, now)
        if pt == DTMF_PT:
            self._on_key(data[12:], timestamp)
        self.first_media.set()

    def _on_key(self, payload, timestamp):
        if len(payload) != 4 or payload[0] > 15:
            self.violation("a telephone-event of %d bytes (RFC 4733 2.3)" % len(payload))
        elif payload[1] & 0x80 and self._key != timestamp:
            self._key = timestamp
            self.rx["keys"] += "0123456789*#ABCD"[payload[0]]

    def rtcp(self, data):
        while len(data) >= 4:
            kind = {200: "sr", 201: "rr", 202: "sdes", 203: "bye"}.get(data[1], str(data[1]))
            self.rx["rtcp"][kind] = self.rx["rtcp"].get(kind, 0) + 1
            data = data[4 * (struct.unpack("!H", data[2:4])[0] + 1) :]


class Microphone(MediaStreamTrack):
    """Silent and unsent until `speak`; then the file, then silence. One frame each 20 ms."""

    kind = "audio"

    def __init__(self, path):
        super().__init__()
        with wave.open(path, "rb") as w:
            if (w.getframerate(), w.getnchannels(), w.getsampwidth()) != (RATE, 1, 2):
                raise ValueError("%s: 48 kHz mono 16 bit expected" % path)
            self.pcm = w.readframes(w.getnframes())
        self.speak = asyncio.Event()
        self.frames = 0
        self._start = 0.0

    async def recv(self):
        await self.speak.wait()
        if self.readyState != "live":
            raise MediaStreamError
        if self.frames == 0:
            self._start = time.monotonic()
        await asyncio.sleep(max(0.0, self._start + self.frames * 0.02 - time.monotonic()))
        at = self.frames * FRAME * 2
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(self.pcm[at : at + FRAME * 2].ljust(FRAME * 2, b"\0"))
        frame.sample_rate = RATE
        frame.pts = self.frames * FRAME
        frame.time_base = fractions.Fraction(1, RATE)
        self.frames += 1
        return frame


class Keypad:
    """Keys the user presses: RFC 4733 events in place of audio packets, so that SSRC and sequence numbers are the audio's
    and the timestamp is the audio's 48 kHz clock, while durations count in 8 kHz units (as Meta's relay sends them)."""

    SLOTS = 6  # of 20 ms: a key is held 120 ms
    END_PACKETS = 3  # RFC 4733 2.5.1.4
    PAUSE = 8

    def __init__(self):
        self.slots = []  # (event, slot in the event), or None for audio in between
        self.timestamp = 0

    def press(self, keys):
        for key in keys:
            event = "0123456789*#ABCD".index(key)
            self.slots += [(event, i) for i in range(self.SLOTS + self.END_PACKETS - 1)] + [None] * self.PAUSE

    def packet(self, audio):
        """What goes out when this audio packet is due."""
        slot = self.slots.pop(0) if self.slots else None
        if not slot:
            return audio
        event, i = slot
        if i == 0:
            self.timestamp = struct.unpack("!I", audio[4:8])[0]
        held = min(i + 1, self.SLOTS)
        end = 0x80 if i >= self.SLOTS - 1 else 0
        return (bytes([0x80, (0x80 if i == 0 else 0) | DTMF_PT]) + audio[2:4] + struct.pack("!I", self.timestamp)
                + audio[8:12] + struct.pack("!BBH", event, end | 10, held * 160))


class Loudspeaker:
    """What the user hears, with the gaps of the stream as silence."""

    def __init__(self, path):
        self.path = path
        self.pcm = bytearray()

    async def play(self, track):
        try:
            while True:
                frame = await track.recv()
                missing = frame.pts * 2 - len(self.pcm)
                if 0 < missing < 10 * RATE * 2:
                    self.pcm += bytes(missing)
                stereo = memoryview(bytes(frame.planes[0])[: frame.samples * 4]).cast("h")
                self.pcm += struct.pack("=%dh" % frame.samples, *stereo[0::2])
        except MediaStreamError:
            pass

    def save(self):
        with wave.open(self.path, "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(RATE)
            w.writeframes(self.pcm)


def _opus(**more):
    return RTCRtpCodecParameters(mimeType="audio/opus", clockRate=RATE, channels=2, payloadType=OPUS_PT, **more)


class Relay:
    """One call's media: made before our description, started with that of the business."""

    def __init__(self, watch, microphone_path, recording_path, dtls_role="server"):
        aiortc.rtcicetransport.Connection = LiteConnection
        self.watch = watch
        self.gatherer = RTCIceGatherer()
        self.connection = self.gatherer._connection
        self.connection.watch = watch
        self.ice = RTCIceTransport(self.gatherer)
        self.dtls = RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])
        self.dtls._set_role(dtls_role)  # server where the business is active: always when it answers
        self.microphone = Microphone(microphone_path)
        self.sender = RTCRtpSender(self.microphone, self.dtls)
        self.receiver = RTCRtpReceiver("audio", self.dtls)
        self.receiver._track = RemoteStreamTrack(kind="audio")
        self.loudspeaker = Loudspeaker(recording_path)
        self.keypad = Keypad()
        self._tasks = []
        self._tap()

    def _tap(self):
        rtp, rtcp = self.dtls._handle_rtp_data, self.dtls._handle_rtcp_data

        async def on_rtp(data, arrival_time_ms):
            self.watch.rtp(data)
            await rtp(data, arrival_time_ms=arrival_time_ms)

        async def on_rtcp(data):
            self.watch.rtcp(data)
            await rtcp(data)

        self.dtls._handle_rtp_data, self.dtls._handle_rtcp_data = on_rtp, on_rtcp
        send = self.dtls._send_rtp

        async def on_send(data):
            await send(self.keypad.packet(data) if data[1] & 0x7F == OPUS_PT else data)

        self.dtls._send_rtp = on_send

    async def gather(self):
        """(host, port, ufrag, pwd, fingerprint, ssrc) for our description."""
        await self.gatherer.gather()
        here = self.gatherer.getLocalCandidates()[0]
        ice = self.gatherer.getLocalParameters()
        fingerprint = self.dtls.getLocalParameters().fingerprints[0].value
        return here.ip, here.port, ice.usernameFragment, ice.password, fingerprint, self.sender._ssrc

    def start(self, answer):
        self._tasks.append(asyncio.ensure_future(self._start(answer)))

    async def _start(self, answer):
        await self.ice.start(RTCIceParameters(usernameFragment=answer.ufrag, password=answer.pwd))
        if self.ice.state != "completed":
            return
        await self.dtls.start(
            RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm="sha-256", value=answer.fingerprint)]))
        if self.dtls.state != "connected":
            if not self.watch.over:
                self.watch.violation("the DTLS handshake failed")
            return
        self.watch.event("dtls_connected", version=self.dtls.ssl.get_protocol_version_name(),
                         cipher=self.dtls.ssl.get_cipher_name())
        ssrc = answer.ssrcs[0] if answer.ssrcs else 0
        await self.receiver.receive(
            RTCRtpReceiveParameters(
                codecs=[_opus()], encodings=[RTCRtpDecodingParameters(ssrc=ssrc, payloadType=OPUS_PT)]))
        self._tasks.append(asyncio.ensure_future(self.loudspeaker.play(self.receiver.track)))
        await self.sender.send(
            RTCRtpSendParameters(codecs=[_opus()], rtcp=RTCRtcpParameters(cname="WhatsAppAudioStream1", mux=True)))

    async def stop(self):
        self.microphone.stop()
        self.microphone.speak.set()
        await self.sender.stop()
        await self.receiver.stop()
        await self.dtls.stop()
        await self.ice.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.loudspeaker.save()
