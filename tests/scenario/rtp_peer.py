"""The media side of a SIP peer: one RTP port that speaks a tone in G.711, notes what comes in, and reads RFC 4733."""
import contextlib
import ctypes
import math
import socket
import struct
import threading
import time

FRAME = 160  # samples of 20 ms at 8 kHz
EVENT_PT = 101


def ulaw(sample):
    sign, sample = (0x80, -sample) if sample < 0 else (0, sample)
    sample = min(sample, 32635) + 132
    exponent = max(0, sample.bit_length() - 8)
    return ~(sign | exponent << 4 | (sample >> exponent + 3) & 0x0F) & 0xFF


def alaw(sample):
    sign, sample = (0x80, sample) if sample >= 0 else (0, -sample - 1)
    sample = min(sample, 32767) >> 3
    exponent = max(0, sample.bit_length() - 5)
    return (sign | exponent << 4 | (sample >> max(1, exponent)) & 0x0F) ^ 0x55


def tone(encode):
    """20 ms of 400 Hz: eight periods, so that it repeats without a seam."""
    pcm = [int(8000 * math.sin(2 * math.pi * 400 * n / 8000)) for n in range(FRAME)]
    return bytes(encode(s) for s in pcm)


TONES = {0: tone(ulaw), 8: tone(alaw)}

KEYS = "123A456B789C*0#D"
LOW_HZ, HIGH_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)    # ITU-T Q.23


def key_tone(key, frames):
    """So many frames of 20 ms of a key's sound in PCMU."""
    at = KEYS.index(key)
    low, high = LOW_HZ[at // 4], HIGH_HZ[at % 4]
    pcm = [int(6000 * (math.sin(2 * math.pi * low * n / 8000) + math.sin(2 * math.pi * high * n / 8000))) for n in range(FRAME * frames)]
    return [bytes(ulaw(s) for s in pcm[n:n + FRAME]) for n in range(0, len(pcm), FRAME)]


def unulaw(byte):
    byte = ~byte & 0xFF
    size = (((byte & 0x0F) << 3) + 132 << (byte >> 4 & 7)) - 132
    return -size if byte & 0x80 else size


def key_of(payload):
    """The key that sounds through all of a PCMU packet, or None."""
    pcm = [unulaw(b) for b in payload]
    total = sum(s * s for s in pcm) * len(pcm) / 2

    def share(hz):
        angle = 2 * math.pi * hz / 8000
        return (sum(s * math.cos(angle * n) for n, s in enumerate(pcm)) ** 2 + sum(s * math.sin(angle * n) for n, s in enumerate(pcm)) ** 2) / (total or 1)
    low, high = (max(group, key=share) for group in (LOW_HZ, HIGH_HZ))
    found = min(share(low), share(high)) > 0.25 and share(low) + share(high) > 0.8
    return KEYS[LOW_HZ.index(low) * 4 + HIGH_HZ.index(high)] if found else None


def opus_tone(frames=50):
    """A second of the same tone, as packets of 20 ms, by the library watrunk itself has."""
    lib = ctypes.CDLL("libopus.so.0")
    lib.opus_encoder_create.restype = ctypes.c_void_p
    error, out = ctypes.c_int(), ctypes.create_string_buffer(400)
    encoder = ctypes.c_void_p(lib.opus_encoder_create(48000, 1, 2048, ctypes.byref(error)))
    pcm = (ctypes.c_int16 * 960)(*[int(8000 * math.sin(2 * math.pi * 400 * n / 48000)) for n in range(960)])
    packets = [out.raw[:lib.opus_encode(encoder, pcm, 960, out, len(out))] for _ in range(frames)]
    lib.opus_encoder_destroy(encoder)
    return packets


class Digit:
    def __init__(self, key, ts, started):
        self.key, self.ts, self.started = key, ts, started
        self.duration = self.packets = self.ends = 0

    def __repr__(self):
        return f"{self.key} ({self.duration} units, {self.packets} packets, {self.ends} ends)"


class RtpPeer:
    def __init__(self):
        self.socket, self.port = self.pair()
        self.received = []        # (monotonic time, pt, seq, ts, ssrc, marker, payload)
        self.digits = []
        self.remote, self.pt, self.sending = None, 0, False
        self.event_pt, self.opus, self.ptime = EVENT_PT, None, 20   # opus: (payload type, packets)
        self.next_frames = []     # PCMU, said before anything else
        self.ssrc, self.seq, self.ts = 0x5eed0000 + self.port, 100, 1000
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.listen, self.speak)]
        for t in self.threads:
            t.start()

    @staticmethod
    def pair():
        while True:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("127.0.0.1", 0))
            if s.getsockname()[1] % 2 == 0:
                s.settimeout(0.2)
                return s, s.getsockname()[1]
            s.close()

    def listen(self):
        while not self.stopped.is_set():
            try:
                packet = self.socket.recv(2000)
            except TimeoutError:
                continue
            except OSError:
                return
            if len(packet) < 12:
                continue
            first, second, seq, ts, ssrc = struct.unpack_from(">BBHII", packet)
            if first >> 6 != 2:
                continue
            pt, marker, payload = second & 0x7F, second >> 7, packet[12:]
            if pt == self.event_pt:
                self.take_digit(ts, payload)
            self.received.append((time.monotonic(), pt, seq, ts, ssrc, marker, payload))

    def take_digit(self, ts, payload):
        event, flags, duration = struct.unpack_from(">BBH", payload)
        key = "0123456789*#ABCD"[event] if event < 16 else "?"
        digit = next((d for d in self.digits if d.ts == ts and d.key == key), None)
        if not digit:
            digit = Digit(key, ts, time.monotonic())
            self.digits.append(digit)
        digit.packets += 1
        digit.ends += flags >> 7
        digit.duration = max(digit.duration, duration)

    def speak(self):
        due = time.monotonic()
        while not self.stopped.wait(max(0.0, due - time.monotonic())):
            due += self.ptime / 1000
            if not (self.sending and self.remote):
                continue
            if self.next_frames:
                payload = self.next_frames.pop(0)
                ticks = len(payload)
            elif self.opus and self.pt == self.opus[0]:
                payload, ticks = self.opus[1][self.seq % len(self.opus[1])], 960
            else:
                payload = (TONES[self.pt] * 3)[:self.ptime * 8]
                ticks = len(payload)
            self.send(self.pt, payload)
            self.ts += ticks

    def send(self, pt, payload, marker=0, ts=None):
        packet = struct.pack(">BBHII", 0x80, marker << 7 | pt, self.seq & 0xFFFF, (self.ts if ts is None else ts) & 0xFFFFFFFF, self.ssrc)
        self.seq += 1
        with contextlib.suppress(OSError):
            self.socket.sendto(packet + payload, self.remote)

    def press(self, key, units=800, pt=None, segments=0):
        """A key, told by its end alone; or one held for so many full segments before (RFC 4733 s2.5.1.3)."""
        event, ts = "0123456789*#ABCD".index(key), self.ts
        for _ in range(segments):
            self.send(pt or self.event_pt, struct.pack(">BBH", event, 10, 0xFFFF), ts == self.ts, ts)
            ts += 0xFFFF
        for _ in range(3):
            self.send(pt or self.event_pt, struct.pack(">BBH", event, 0x8A, units), ts == self.ts, ts)

    def say_key(self, key, frames=6):
        """The sound of a key, and a pause."""
        self.next_frames += [*key_tone(key, frames), *[b"\xff" * FRAME] * 6]

    def keys_heard(self):
        """Sounds of keys in what came as PCMU, at least two packets each."""
        found = [key_of(p[6]) for p in self.audio(0)]
        return "".join(b for a, b, c in zip([None, *found], found, found[1:]) if b and a != b and b == c)

    def start(self, remote, pt):
        self.remote, self.pt, self.sending = remote, pt, True

    def audio(self, pt=None, since=0.0):
        return [p for p in list(self.received) if p[0] >= since and p[1] != self.event_pt and (pt is None or p[1] == pt)]

    def close(self):
        self.stopped.set()
        for t in self.threads:
            t.join(1)
        self.socket.close()
