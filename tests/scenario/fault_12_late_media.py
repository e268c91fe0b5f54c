"""Interop fault 12: media that starts late, or pauses (VAD, hold), without being killed; and a stranger who sends to the port
meanwhile. The time-out is 3 s here; half a minute of lateness and of pauses is test_session_latch's, in virtual time."""
import contextlib
import socket
import struct
import threading
import time

from harness import EVENT_WAIT_S, equal, main, until
from media_faults import answer, heard, one_call, reinvite

TIMEOUT_S = 3
PCMU = "m=audio {port} RTP/AVP 0"


class Stranger:
    """Full scale G.711 from another address of this machine, to the port of the call."""

    def __init__(self, call):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.2", 0))
        self.socket.settimeout(0.02)
        self.to, self.stopped, self.heard = call.remote_rtp(), threading.Event(), 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        seq = 1
        while not self.stopped.is_set():
            self.socket.sendto(struct.pack(">BBHII", 0x80, 0, seq & 0xFFFF, seq * 160, 0x66) + b"\x80\x00" * 80, self.to)
            seq += 1
            with contextlib.suppress(TimeoutError):
                self.socket.recv(2000)
                self.heard += 1

    def close(self):
        self.stopped.set()
        self.thread.join(1)
        self.socket.close()


def config(rig):
    return {"media": {"sip_silence_timeout": TIMEOUT_S}}


def story_late_and_with_pauses(rig):
    def script(call, w, sim):
        answer(call, PCMU, speak=False)
        started = time.monotonic()
        until(lambda: time.monotonic() - started > TIMEOUT_S * 0.6, "two thirds of the time-out")
        call.media.start(call.remote_rtp(), 0)
        sim.wait_user_event("audio_heard")
        stranger = Stranger(call)
        try:
            for _ in range(2):
                heard(call)
                call.media.sending = False
                paused = time.monotonic()
                until(lambda t=paused: time.monotonic() - t > TIMEOUT_S * 0.6, "a pause")
                call.media.sending = True
            heard(call)
            equal(stranger.heard, 0, "packets that a stranger was sent")
        finally:
            stranger.close()
        call.bye()
    one_call(rig, script, config(rig))


def story_held_longer_than_the_timeout(rig):
    def script(call, w, sim):
        answer(call, PCMU)
        heard(call)
        equal(reinvite(call, PCMU, "a=sendonly").status, 200, "hold")
        equal(reinvite(call, PCMU, "a=inactive").status, 200, "hold, without music")
        call.media.sending = False
        held = time.monotonic()
        until(lambda: time.monotonic() - held > TIMEOUT_S * 1.5, "more than the time-out")
        equal(reinvite(call, PCMU, "a=sendrecv").status, 200, "resume")
        call.media.sending = True
        heard(call)
        call.bye()
    one_call(rig, script, config(rig))


def story_silent_for_good(rig):
    def script(call, w, sim):
        answer(call, PCMU)
        heard(call)
        call.media.sending = False
        call.expect("BYE", EVENT_WAIT_S)
    one_call(rig, script, config(rig), cause="media_timeout", status="failed", ended_by="watrunk")


if __name__ == "__main__":
    main()
