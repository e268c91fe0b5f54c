#!/usr/bin/python3
"""The commands of the documents, run against a live demo: docs_commands.py BUILD [PAGE ...]

Blocks that stand under "<!-- demo -->" are run in their order, page after page, in one shell each; a command that fails, fails the test.
"""
import argparse
import atexit
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
from demo_out import WayOut  # noqa: E402
from demo_rig import stop_all  # noqa: E402

PAGES = ("calling-out", "permission", "escalation", "transfer", "recording", "api", "events")
MARKED = re.compile(r"^<!-- demo -->\n```sh\n(.*?)^```", re.S | re.M)


def call_up(demo):
    """$ID of api.md: the call that is up, should there be one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        calls = demo.api("GET", "/v1/calls")["calls"]
        if not calls or calls[0]["state"] == "up":
            return calls[0]["id"] if calls else ""
        time.sleep(0.1)
    return ""


def run_block(demo, out, text):
    script = f"set -euo pipefail\n. {out}/env.sh\nID={call_up(demo)}\napi() {{ curl -sS --fail-with-body -H \"Authorization: Bearer $WATRUNK_ADMIN_TOKEN\" " \
             f"-H 'Content-Type: application/json' \"$@\"; echo; }}\n{text}"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False)


def main():
    build, *pages = sys.argv[1:]
    atexit.register(stop_all)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    out = pathlib.Path(build) / "tests/scenario/demo/out-docs"
    demo = WayOut(argparse.Namespace(build=build, out=str(out), json=False, say=None, wrap="", no_permission=False, mode="outbound", stay=True))
    demo.start_all()
    failed = blocks = 0
    for page in pages or PAGES:
        for text in MARKED.findall((ROOT / "docs" / f"{page}.md").read_text()):
            blocks += 1
            run = run_block(demo, out, text)
            print(f"---- docs/{page}.md\n{text}{run.stdout}", end="")
            if run.returncode:
                failed += 1
                print(f"FAILED, exit code {run.returncode}: {run.stderr}")
    print(f"{blocks} blocks, {failed} failed")
    if failed:
        print(f"logs are in {os.path.abspath(out)}")
    sys.exit(1 if failed or not blocks else 0)


main()
