"""What the shell of `. demo-out/env.sh` cannot do in a line: demo_helper.py ADMIN CONTROL SIP live_call|wait_idle|phone_dials NUMBER"""
import json
import socket
import sys
import time
import urllib.request

WAIT_S = 30


def calls(admin):
    request = urllib.request.Request(f"http://127.0.0.1:{admin}/v1/calls", headers={"Authorization": "Bearer demo-admin-token"})
    with urllib.request.urlopen(request, timeout=10) as r:
        return json.loads(r.read())["calls"]


def wait(question, what):
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    sys.exit(f"{what}: not within {WAIT_S} s")


def main():
    admin, control, sip, verb, *rest = sys.argv[1:]
    if verb == "live_call":
        print(wait(lambda: next((c["id"] for c in calls(admin) if c["state"] == "up"), None), "a call that is up"))
    elif verb == "wait_idle":
        wait(lambda: not calls(admin), "the end of all calls")
    else:
        text = json.dumps({"command": "dial", "params": f"sip:{rest[0]}@127.0.0.1:{sip}", "token": "1"})
        with socket.create_connection(("127.0.0.1", int(control)), timeout=5) as s:
            s.sendall(f"{len(text)}:{text},".encode())
            s.recv(65536)


main()
