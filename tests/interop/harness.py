"""What every test program in this folder needs: ports, processes that never outlive the test, speech, and an ear.

Standard library only, plus the programs espeak-ng and sox for speech.
"""

import array
import atexit
import ctypes
import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import wave

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "scripts"))
from ports import listens  # noqa: E402, F401: for those who wait for a program

SKIPPED = 77  # SKIP_RETURN_CODE of the CTest tests


class Failure(Exception):
    """The test has failed; the text says why."""


# ---- ports ----

PORT_MIN, PORT_MAX = 12000, 31000  # below Linux's ephemeral ports (32768 on), which clients take at any moment


def bindable(port):
    """Nobody holds it on 127.0.0.1, neither UDP nor TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_ports(count):
    """First port of `count` ports in a row, even, that are free."""
    for _ in range(200):
        base = random.randrange(PORT_MIN, PORT_MAX - count) & ~1
        if all(bindable(p) for p in range(base, base + count)):
            return base
    raise Failure("no %d free ports in a row" % count)


# ---- processes ----

_processes = []


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: also when CTest kills us without a warning


class Process:
    """A child in a process group of its own, output in log files, stopped at exit whatever happens."""

    def __init__(self, name, argv, folder, env=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.stdout_path = os.path.join(folder, name + ".out")
        self.stderr_path = os.path.join(folder, name + ".log")
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.popen = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=out,
                stderr=err,
                env=env,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        _processes.append(self)

    def running(self):
        return self.popen.poll() is None

    def wait(self, deadline_s):
        """Exit status, or None when it still runs after deadline_s."""
        try:
            return self.popen.wait(timeout=max(0.0, deadline_s))
        except subprocess.TimeoutExpired:
            return None

    def _signal(self, signum):
        try:
            os.killpg(self.popen.pid, signum)
        except ProcessLookupError:
            pass

    def stop(self, grace_s=5.0):
        """SIGTERM, and SIGKILL to the whole group after grace_s. Returns the exit status, None if it had to be killed."""
        status = self.popen.poll()
        if status is None:
            self._signal(signal.SIGTERM)
            status = self.wait(grace_s)
        self._signal(signal.SIGKILL)
        self.popen.wait()
        return status

    def tail(self, lines=25):
        text = ""
        for path in (self.stdout_path, self.stderr_path):
            try:
                with open(path, errors="replace") as f:
                    last = [line for line in f if line.strip()][-lines:] if lines else []
            except OSError:
                continue
            if last:
                text += "---- %s\n%s" % (path, "".join(last))
        return text


def stop_everything():
    for p in reversed(_processes):
        p.stop(grace_s=2.0)
    _processes.clear()


def stop_everything_at_exit():
    atexit.register(stop_everything)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda *_: sys.exit(1))


def wait_until(question, deadline_s, what):
    """Ask until the answer is true; that answer. Failure after deadline_s."""
    end = time.monotonic() + deadline_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure("%s: not within %.0f s" % (what, deadline_s))
        time.sleep(0.02)


def missing_peers(*more):
    """What these tests need and this machine lacks."""
    missing = [n for n in ("baresip", "espeak-ng", "sox", *more) if not shutil.which(n, path=os.environ.get("PATH", "") + ":/usr/sbin")]
    if subprocess.run([sys.executable, "-c", "import aiortc"], stderr=subprocess.DEVNULL).returncode:
        missing.append("python3-aiortc (for %s; Debian's is for /usr/bin/python3)" % sys.executable)
    return missing


def skip_or_fail(missing):
    """Without its peers this test cannot run: skipped on a developer's machine, a failure where CI should have them."""
    text = "not installed: %s" % ", ".join(missing)
    if os.environ.get("CI"):
        print("FAILED: " + text)
        sys.exit(1)
    print("SKIPPED: " + text)
    sys.exit(SKIPPED)


# ---- speech ----

# both between four and five seconds as make_speech() has them spoken
USER_TEXT = "Good morning, this is the caller. I would like to ask about order seven four."
BUSINESS_TEXT = "Welcome to the harbour office. She sells sea shells by the sea shore."


def _run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    if done.returncode:
        raise Failure("%s: %s" % (" ".join(argv), done.stdout.decode(errors="replace")))


def make_speech(folder, name, text, voice, seconds):
    """NAME.wav: the speech alone, 8 kHz, `seconds` long. NAME-8k.wav, NAME-48k.wav: the same after one second of silence,
    and a minute of silence after it, for a microphone that must not run dry. Returns the path of NAME.wav."""
    raw = os.path.join(folder, name + "-raw.wav")
    speech = os.path.join(folder, name + ".wav")
    _run("espeak-ng", "-v", voice, "-s", "165", "-w", raw, text)
    # -R: the same dither every time; -6 dBFS leaves room for G.711
    _run("sox", "-V1", "-R", raw, "-c", "1", "-b", "16", "-r", "8000", speech, "norm", "-6", "pad", "0", str(seconds),
         "trim", "0", str(seconds))
    for rate in (8000, 48000):
        _run("sox", "-V1", "-R", raw, "-c", "1", "-b", "16", "-r", str(rate),
             os.path.join(folder, "%s-%dk.wav" % (name, rate // 1000)), "norm", "-6", "pad", "0", str(seconds), "trim",
             "0", str(seconds), "pad", "1", "60")
    return speech


def convert(source, target, rate):
    _run("sox", "-V1", "-R", source, "-c", "1", "-b", "16", "-r", str(rate), target)


# ---- an ear ----

ENVELOPE_MS = 20


def _envelope(path):
    """Loudness in dB of every 20 ms, floor at 40 dB under the loudest."""
    with wave.open(path, "rb") as w:
        step = w.getframerate() * ENVELOPE_MS // 1000 * w.getnchannels()
        samples = array.array("h", w.readframes(w.getnframes()))
    levels = []
    for i in range(0, len(samples) - step + 1, step):
        power = sum(s * s for s in samples[i : i + step]) / step
        levels.append(10 * math.log10(power + 1))
    top = max(levels, default=0)
    if top < 30:  # below -60 dBFS: nothing at all was heard
        return [0.0] * len(levels)
    return [max(0.0, v - (top - 40)) for v in levels]


def _correlation(a, b):
    n = len(a)
    mean_a, mean_b = sum(a) / n, sum(b) / n
    cov = var_a = var_b = 0.0
    for x, y in zip(a, b):
        x -= mean_a
        y -= mean_b
        cov += x * y
        var_a += x * x
        var_b += y * y
    return cov / math.sqrt(var_a * var_b) if var_a > 0 and var_b > 0 else 0.0


def same_rhythm(reference, heard):
    """How alike the loudness of two recordings runs, at the best shift: 1 is the same speech, another text stays under
    0.6. A coarse ear that shares no code with the bridge."""
    ref, got = _envelope(reference), _envelope(heard)
    got += [0.0] * (max(0, len(ref) - len(got)) + 1000 // ENVELOPE_MS)  # a recording may end with the speech
    return max((_correlation(ref, got[lag : lag + len(ref)]) for lag in range(len(got) - len(ref) + 1)), default=0.0)
