#!/usr/bin/env python3
"""What audiocheck must accept and what it must reject, with speech made by espeak-ng and treated by sox and degrade.

Usage: audiocheck_cases.py AUDIOCHECK DEGRADE
"""
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

TEXTS = {
    "a": "This is the interoperability test call. One, two, three, four, five, six, seven, eight, nine, ten. "
         "The quick brown fox jumps over the lazy dog. Please stay on the line while the audio path is being measured.",
    "b": "She sells sea shells by the sea shore, and the shells she sells are sea shells for sure. Pack my box with "
         "five dozen liquor jugs. How vexingly quick daft zebras jump. Goodbye, and thank you for calling.",
    "c": "Welcome to the customer service of our company. All our agents are busy at the moment; your call is important "
         "to us. Ten, nine, eight, seven, six, five, four, three, two, one. For English, press one.",
    "d": "Your appointment is on Thursday, the twenty third of November, at half past four in the afternoon.",
}
A = "a16.wav"

# name, reference, how the recording is made from files of the work directory ({o} is the recording), accepted, and what else must
# hold: key -> (lowest, highest)
CASES = [
    ("same file", A, "cp a16.wav {o}", True, {"score": (0.99, 1), "delay_ms": (-20, 20), "level_db": (-0.2, 0.2),
                                             "clipped_start_ms": (0, 40), "clipped_end_ms": (0, 0)}),
    ("other rate", A, "cp a48.wav {o}", True, {"score": (0.95, 1)}),
    ("wide reference", "a48.wav", "cp a8.wav {o}", True, {"score": (0.9, 1)}),
    ("stereo, one side silent", A, "sox -D a16.wav {o} remix 1 0", True, {"level_db": (-7, -5)}),
    ("opus", A, "{degrade} opus 0 a16.wav {o}", True, {"level_db": (-2, 2)}),
    ("opus 48 kHz", A, "{degrade} opus 0 a48.wav {o}", True, {}),
    ("opus 6 kbit/s", A, "{degrade} opus6 0 a16.wav {o}", True, {}),
    ("G.711 mu-law", A, "sox -D a8.wav -e mu-law {t}.wav && sox -D {t}.wav -e signed -b 16 {o}", True, {}),
    ("G.711 A-law", A, "sox -D a8.wav -e a-law {t}.wav && sox -D {t}.wav -e signed -b 16 {o}", True, {}),
    ("opus, then mu-law", A,
     "{degrade} opus 0 a8.wav {t}1.wav && sox -D {t}1.wav -e mu-law {t}.wav && sox -D {t}.wav -e signed -b 16 {o}", True, {}),
    ("opus, 5 % loss", A, "{degrade} opus 5 a16.wav {o}", True, {}),
    ("opus, 10 % loss", A, "{degrade} opus 10 a16.wav {o}", True, {}),
    ("5 % loss without concealment", A, "{degrade} plain 5 a8.wav {o}", True, {}),
    ("20 dB quieter", A, "sox -D a16.wav {o} gain -20", True, {"level_db": (-21, -19)}),
    ("6 dB louder, limited", A, "sox -D -G a16.wav {o} gain -l 6", True, {"level_db": (4, 7)}),
    ("with quiet noise", A, "sox -D -R -n -r 16000 -b 16 {t}.wav synth 15 whitenoise gain -50 && sox -D -m -v 1 a16.wav -v 1 {t}.wav {o}", True, {}),
    ("delay 120 ms", A, "sox -D a16.wav {o} pad 0.12", True, {"delay_ms": (100, 140)}),
    ("delay 1 s", A, "sox -D a16.wav {o} pad 1", True, {"delay_ms": (980, 1020)}),
    ("delay 10 s, opus", A, "{degrade} opus 3 a16.wav {t}.wav && sox -D {t}.wav {o} pad 10", True, {"delay_ms": (9960, 10060)}),
    ("begin cut by 2 s", A, "sox -D a16.wav {o} trim 2", True, {"clipped_start_ms": (1700, 1850), "delay_ms": (-2030, -1970)}),
    ("end cut by 4 s", A, "sox -D a16.wav {o} trim 0 -4", True, {"clipped_end_ms": (3300, 4500), "clipped_start_ms": (0, 40)}),
    ("first half", A, "sox -D a16.wav {o} trim 0 {half}", True, {}),
    ("second half", A, "sox -D a16.wav {o} trim {half}", True, {}),
    ("second half, late, opus with loss", A, "{degrade} opus 5 a16.wav {t}.wav && sox -D {t}.wav {o} trim {half} pad 3", True, {}),
    ("between other speech", A, "sox -D d16.wav a16.wav d16.wav {o}", True, {}),
    ("twice", A, "sox -D a16.wav a16.wav {o}", True, {}),
    ("playout delay grows by 40 ms in the middle", A,
     "sox -D a16.wav {t}1.wav trim 0 {half} && sox -D a16.wav {t}2.wav trim {half} pad 0.04 && sox -D {t}1.wav {t}2.wav {o}", True, {}),
    ("two other speeches, each its own reference", "b16.wav", "{degrade} opus 5 b16.wav {o}", True, {}),
    ("another voice's file", "v16.wav", "{degrade} opus 5 v16.wav {o}", True, {}),

    ("silence", A, "sox -D -n -r 16000 -b 16 {o} trim 0 12", False, {"score": (0, 0), "heard_seconds": (0, 0)}),
    ("no samples", A, "sox -D -n -r 16000 -b 16 {o} trim 0 0", False, {"score": (0, 0)}),
    ("dither noise", A, "sox -R -n -r 16000 -b 16 {o} synth 12 whitenoise gain -90", False, {"score": (0, 0)}),
    ("white noise", A, "sox -D -R -n -r 16000 -b 16 {o} synth 12 whitenoise gain -12", False, {"score": (0, 0.3)}),
    ("pink noise", A, "sox -D -R -n -r 16000 -b 16 {o} synth 12 pinknoise gain -12", False, {"score": (0, 0.3)}),
    ("tone", A, "sox -D -n -r 16000 -b 16 {o} synth 12 sine 425 gain -12", False, {"score": (0, 0.3)}),
    ("ringback tone", A, "sox -D -n -r 8000 -b 16 {o} synth 1 sine 425 gain -12 pad 0 4 repeat 2", False, {"score": (0, 0.4)}),
    ("clicks of 20 ms", A, "sox -D -n -r 8000 -b 16 {o} synth 0.02 sine 900 gain -6 pad 0 0.23 repeat 47", False, {}),
    ("other speech b", A, "cp b16.wav {o}", False, {"score": (0, 0.5)}),
    ("other speech c", A, "cp c16.wav {o}", False, {"score": (0, 0.5)}),
    ("other speech d", A, "cp d16.wav {o}", False, {"score": (0, 0.5)}),
    ("b is not c", "b16.wav", "cp c16.wav {o}", False, {"score": (0, 0.5)}),
    ("c is not a", "c16.wav", "cp a16.wav {o}", False, {"score": (0, 0.5)}),
    ("d is not a, b, c", "d16.wav", "sox -D a16.wav b16.wav c16.wav {o}", False, {"score": (0, 0.5)}),
    ("other text, other voice", A, "cp v16.wav {o}", False, {"score": (0, 0.5)}),
    ("reversed", A, "sox -D a16.wav {o} reverse", False, {"score": (0, 0.5)}),
    ("only the last tenth", A, "sox -D a16.wav {o} trim -1.5", False, {}),
    ("only the first two seconds", A, "sox -D a16.wav {o} trim 0 2", False, {}),
    ("every second 200 ms missing and shuffled", A, "{shuffle}", False, {}),
]


def sh(command, cwd):
    subprocess.run(command, shell=True, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def make_sources(work):
    for name, text in TEXTS.items():
        sh(f"espeak-ng -v en-us -s 150 -w {name}.wav '{text}'", work)
    sh(f"espeak-ng -v en-gb -p 80 -s 170 -w v.wav '{TEXTS['c']}'", work)
    for name in "abcdv":
        for rate in (8000, 16000, 48000):
            sh(f"sox -R {name}.wav -c 1 -b 16 -r {rate} {name}{rate // 1000}.wav norm -6 pad 0.25 0.25", work)


def duration(work, name):
    return float(subprocess.run(["soxi", "-D", name], cwd=work, check=True, capture_output=True, text=True).stdout)


def make_recording(work, index, recipe, degrade):
    names = {"o": f"case{index}.wav", "t": f"tmp{index}", "degrade": degrade, "half": f"{duration(work, A) / 2:.3f}",
             "shuffle": None}
    if recipe == "{shuffle}":  # pieces of 200 ms of the reference in another order: the same sounds, not the speech
        order = [(i * 7) % 31 for i in range(31)]
        parts = " ".join(f"'|sox -D a16.wav -p trim {0.25 + n * 0.4:.2f} 0.2'" for n in order)
        recipe = f"sox -D {parts} {{o}}"
    sh(recipe.format(**names), work)
    return names["o"]


def run_case(work, index, case, audiocheck, degrade):
    name, reference, recipe, accepted, limits = case
    heard = make_recording(work, index, recipe, degrade)
    p = subprocess.run([audiocheck, "--json", reference, heard], cwd=work, capture_output=True, text=True)
    faults = []
    result = {}
    if p.returncode != (0 if accepted else 1):
        faults.append(f"exit code {p.returncode} {p.stderr.strip()}")
    if p.returncode in (0, 1):
        result = json.loads(p.stdout)
        if result["similar"] != accepted:
            faults.append("similar is wrong")
        faults += [f"{key} = {result[key]}, not in {low} .. {high}" for key, (low, high) in limits.items()
                   if not low <= result[key] <= high]
    return name, accepted, result, faults


def run_usage(work, audiocheck):
    """Wrong usage and unusable files: exit code 2 and a line that says why."""
    with open(os.path.join(work, "text.wav"), "w", encoding="utf-8") as f:
        f.write("not a sound\n")
    sh("sox -D -n -r 16000 -b 16 silent.wav trim 0 3 && sox -D -n -r 4000 -b 16 slow.wav synth 1 sine 300", work)
    sh("sox -D a16.wav three.wav remix 1 1 1", work)
    faults = []
    for args, said in [([], "Usage"), ([A], "Usage"), ([A, A, A], "Usage"), (["--what", A, A], "Usage"),
                       ([A, "absent.wav"], "absent.wav"), ([A, "text.wav"], "text.wav"), (["text.wav", A], "text.wav"),
                       (["silent.wav", A], "silent.wav"), ([A, "slow.wav"], "4000 Hz"), ([A, "three.wav"], "3 channels"),
                       (["--threshold", "2", A, A], "--threshold"), (["--threshold", "x", A, A], "--threshold")]:
        p = subprocess.run([audiocheck] + args, cwd=work, capture_output=True, text=True)
        if p.returncode != 2 or said not in p.stderr:
            faults.append(f"{args}: exit code {p.returncode}, said {p.stderr!r}")
    p = subprocess.run([audiocheck, A, A], cwd=work, capture_output=True, text=True)
    if p.returncode != 0 or "was heard" not in p.stdout:
        faults.append(f"text output: {p.stdout!r}")
    p = subprocess.run([audiocheck, "--threshold", "0.999", A, "case11.wav"], cwd=work, capture_output=True, text=True)
    if p.returncode != 1 or "NOT" not in p.stdout:
        faults.append(f"threshold: {p.stdout!r}")
    return "usage", True, {}, faults


def main():
    audiocheck, degrade = (os.path.abspath(p) for p in sys.argv[1:3])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="watrunk-audiocheck-") as work:
        make_sources(work)
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda c: run_case(work, c[0], c[1], audiocheck, degrade), enumerate(CASES)))
        results.append(run_usage(work, audiocheck))
    for name, accepted, result, faults in results:
        failed += bool(faults)
        print(f"{'FAIL' if faults else 'ok  '} {'accept' if accepted else 'reject'} {result.get('score', 0):.2f} {name}"
              + "".join(f"\n       {fault}" for fault in faults + ([json.dumps(result)] if faults else [])))
    print(f"{len(results)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
