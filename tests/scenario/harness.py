"""The rig of every story: a temporary directory, ports of our own, watrunk, metasim, and the questions put to them.

A story file holds functions named story_*, each taking a Rig, and ends in harness.main(). One run of the file tells all
of them, each with fresh processes. Nothing waits without a deadline; nothing sleeps in the hope that something happened
meanwhile. What started is ended, whatever the story does.
"""
import contextlib
import ctypes
import glob
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
from ports import Ports, listens  # noqa: E402

WATRUNK = os.environ.get("WATRUNK", "build/asan/watrunk")
METASIM = os.environ.get("METASIM", "build/asan/metasim")

NUMBER, NUMBER_ID = "+12025550123", "310000000000002"
USER, USER_ID = "+447700900123", "GB.1000200030004000500"
GRAPH_TOKEN, APP_SECRET, VERIFY, ADMIN = "graph-token", "app-secret", "verify-token", "admin-token"
WAIT_S = 15          # for what should come at once; generous, because the machine may be busy
EVENT_WAIT_S = 20    # for what takes seconds by design
STALL_S = 0.5         # a machine that stands still for so long cannot keep the times a story is about
T1X64_MS = 2000      # SIP's own timers, shortened: ended transactions are gone after 2 s, not 32
GAUGES = ("calls", "media_sessions", "media_ports", "sip_legs", "graph_pending")


class Failure(AssertionError):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def equal(got, want, what):
    check(got == want, f"{what}: {got!r}, expected {want!r}")


def until(question, what, timeout=WAIT_S):
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure(f"waited {timeout} s for {what}")
        time.sleep(0.01)


# ---- processes ----

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # also when the story itself is killed


class Process:
    """A program in a process group of its own; its output line by line."""

    def __init__(self, args, log_path, on_line=None, env=None):
        self.name = os.path.basename(str(args[0]))
        self.log_path = log_path
        self.lines = []
        self.changed = threading.Condition()
        self.on_line = on_line
        self.popen = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, start_new_session=True, env=env,
                                      preexec_fn=die_with_parent)
        self.pid = self.popen.pid
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with open(self.log_path, "ab") as log:
            for raw in self.popen.stdout:
                log.write(raw)
                log.flush()
                line = raw.decode("utf-8", "replace").rstrip("\n")
                parsed = self.on_line(line) if self.on_line else line
                with self.changed:
                    self.lines.append(parsed)
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_line(self, wanted, what, timeout=WAIT_S, count=1):
        """The count-th line for which wanted(line) is true."""
        deadline = time.monotonic() + timeout
        at = found = 0
        with self.changed:
            while True:
                while at < len(self.lines):
                    if self.lines[at] is not None and wanted(self.lines[at]):
                        found += 1
                        if found == count:
                            return self.lines[at]
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or (self.popen.poll() is not None and not self.reader.is_alive()):
                    raise Failure(f"{self.name}: waited for {what}")
                self.changed.wait(min(left, 0.5))

    def wait(self, timeout):
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} still runs after {timeout} s") from None
        self.reader.join(5)
        return code

    def signal(self, number):
        if self.popen.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(10)
        self.reader.join(5)


def json_or_none(line):
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class Watrunk(Process):
    def __init__(self, rig, config):
        self.rig, self.config = rig, config
        self.path = rig.dir / "watrunk.yaml"
        self.path.write_text(json.dumps(config, indent=1))  # YAML is a superset of JSON
        self.path.chmod(0o600)
        self.strange = []
        env = dict(os.environ)
        env["ASAN_OPTIONS"] = "detect_leaks=1:quarantine_size_mb=4:exitcode=99:" + env.get("ASAN_OPTIONS", "")
        env["UBSAN_OPTIONS"] = "print_stacktrace=1:" + env.get("UBSAN_OPTIONS", "")
        env["TSAN_OPTIONS"] = "exitcode=99:" + env.get("TSAN_OPTIONS", "")
        super().__init__([WATRUNK, "run", "-c", self.path], rig.dir / "watrunk.log", self.take_line, env)
        self.admin_port = int(config["admin"]["listen"].rsplit(":", 1)[1])
        self.wait_event("ready", timeout=30)

    def take_line(self, line):
        parsed = json_or_none(line)
        if parsed is None:
            self.strange.append(line)
        return parsed

    # its log

    def wait_event(self, event, timeout=WAIT_S, count=1, **fields):
        def wanted(line):
            return line.get("event", line.get("msg")) == event and all(str(line.get(k)) == str(v) for k, v in fields.items())
        return self.wait_line(wanted, f"log line {event} {fields}", timeout, count)

    def events(self, event):
        with self.changed:
            return [l for l in self.lines if l and l.get("event", l.get("msg")) == event]

    # its interfaces

    def admin(self, method, path, token=ADMIN):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=WAIT_S)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {token}", "Connection": "close"})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def post(self, path, body=None, headers=None, method="POST", token=ADMIN):
        """A request with a JSON body to the API; its status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=WAIT_S)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Authorization": f"Bearer {token}", "Connection": "close", "Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def counters(self):
        status, body = self.admin("GET", "/v1/counters")
        equal(status, 200, "GET /v1/counters")
        return body

    def gauges(self):
        return self.counters()["gauges"]

    def live(self):
        return self.admin("GET", "/v1/calls")[1]["calls"]

    def cli(self, *args):
        run = subprocess.run([WATRUNK, *args, "-c", str(self.path)], capture_output=True, text=True, timeout=WAIT_S)
        return run.returncode, run.stdout, run.stderr

    def records(self):
        """The call log as `watrunk calls --history --json` tells it, oldest first."""
        code, out, err = self.cli("calls", "--history", "--json", "--limit", "1000")
        equal(code, 0, f"exit code of `watrunk calls --history` ({err.strip()})")
        return sorted(json.loads(out), key=lambda r: r["started_ms"] or r["ended_ms"])

    def wait_records(self, count, timeout=WAIT_S):
        until(lambda: len(self.records()) >= count, f"{count} call records", timeout)
        records = self.records()
        equal(len(records), count, "call records")
        return records

    # the process

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def udp_sockets(self):
        inodes = set()
        for path in glob.glob(f"/proc/{self.pid}/fd/*"):
            with contextlib.suppress(OSError):
                match = re.match(r"socket:\[(\d+)\]", os.readlink(path))
                if match:
                    inodes.add(match.group(1))
        count = 0
        for table in ("udp", "udp6"):
            with open(f"/proc/net/{table}") as f:
                count += sum(1 for line in f if line.split()[9] in inodes)
        return count

    def rss_kb(self):
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)

    def check_idle(self, timeout=WAIT_S, lingering=True):
        """Nothing of any call is left: the gauges say so, and the kernel's list of our sockets does."""
        names = GAUGES + (("sip_lingering",) if lingering else ())
        state = {}

        def idle():
            state.update(self.gauges())
            return all(state[n] == 0 for n in names)
        try:
            until(idle, "idle", timeout)
        except Failure:
            raise Failure("not idle: " + ", ".join(f"{n}={state[n]}" for n in names if state[n])) from None
        # The kernel's table may leave a line out while other programs open and close sockets: ask again before judging.
        listeners = sum(1 for l in self.config["sip"]["listen"] if l.startswith("udp:")) + ("resolver" in self.config["sip"])
        copies = "media_fork" in self.config    # a worker's socket for them, bound when it has sent one
        try:
            until(lambda: listeners <= self.udp_sockets() <= listeners + copies, "UDP sockets of listeners only", timeout)
        except Failure:
            raise Failure(f"UDP sockets of an idle watrunk: {self.udp_sockets()}, expected {listeners}") from None

    def stop(self, timeout=20):
        self.signal(signal.SIGTERM)
        code = self.wait(timeout)
        self.check_output()
        equal(code, 0, "exit code of watrunk")

    def check_output(self):
        check(not self.strange, "watrunk wrote:\n  " + "\n  ".join(self.strange[:60]))


class Metasim(Process):
    """Meta and its users; each line of its output is an event, the last one the report."""

    def __init__(self, rig, plan, number):
        path = rig.dir / f"plan{number}.json"
        path.write_text(json.dumps(plan))
        self.graph_port, self.serves = rig.graph_port, plan.get("serve", False)
        super().__init__([METASIM, "--graph", f"127.0.0.1:{rig.graph_port}", "--plan", path, "--timeline", "--limit", "120"],
                         rig.dir / "metasim.log", json_or_none)

    def wait_event(self, event, call=1, timeout=WAIT_S, count=1):
        return self.wait_line(lambda l: l.get("event") == event and l.get("call") == call, f"{event} of call {call}", timeout, count)

    def events(self, call=1):
        with self.changed:
            return [l["event"] for l in self.lines if l and l.get("call") == call and "event" in l]

    def wait_user_event(self, event, user=None, timeout=WAIT_S, count=1, **fields):
        """Of a user, whatever the call: message_received, permission_requested, connect_received ... fields: detail="text: hi"."""
        number = (user or USER).lstrip("+")
        return self.wait_line(lambda l: l.get("event") == event and l.get("user") in (number, "")
                              and all(l.get(k) == v for k, v in fields.items()), f"{event} of {number} {fields}", timeout, count)

    def wait_listening(self):
        """The Graph API answers. For who calls it without having got a webhook first."""
        def listens():
            check(self.popen.poll() is None, f"metasim ended; its output is in {self.log_path}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.graph_port), 1).close()
                return True
        until(listens, "metasim's Graph API")

    def act(self, user=None, **step):
        """A user does something now: act(text="call me"), act(answer=True), act(call=True), act(hang_up=True), act(reply="accept") ..."""
        connection = http.client.HTTPConnection("127.0.0.1", self.graph_port, timeout=WAIT_S)
        try:
            connection.request("POST", "/metasim/steps", json.dumps({"user": (user or USER).lstrip("+"), **step}))
            response = connection.getresponse()
            equal(response.status, 200, f"metasim's answer to {step} ({response.read().decode()})")
        finally:
            connection.close()

    def whole_report(self, timeout=60):
        """Ended first when it serves."""
        if self.serves:
            self.signal(signal.SIGTERM)
        self.wait(timeout)
        reports = [l for l in self.lines if l and "calls" in l]
        check(reports, f"metasim made no report; its output is in {self.log_path}")
        return reports[-1]

    def messages(self):
        """What the business wrote, in order; ends metasim."""
        return self.whole_report()["messages"]

    def report(self, timeout=60, violations=()):
        """Waits for its end, or, when it serves, ends it. Its calls; a violation that is not expected fails the story."""
        calls = sorted(self.whole_report(timeout)["calls"], key=lambda c: c["call"])
        for call in calls:
            bad = [v for v in call["violations"] if not any(re.search(x, v) for x in violations)]
            check(not bad, f"metasim, call {call['call']}: {bad}")
        return calls


# ---- the rig ----

class Rig:
    def __init__(self, name):
        self.ports = Ports()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"watrunk-{name}-"))
        self.graph_port, self.webhook_port, self.admin_port, self.sip_port, self.gateway_port = (self.ports.one() for _ in range(5))
        self.processes, self.closers = [], []
        self.watrunk_process, self.metasims = None, 0

    # configuration

    def config(self, **changes):
        """The usual one. A change names a section: gateway=..., rules=[...], numbers=[...], or replaces keys of it."""
        config = {
            "webhook": {"listen": f"127.0.0.1:{self.webhook_port}", "verify_token": VERIFY, "app_secret": APP_SECRET},
            "admin": {"listen": f"127.0.0.1:{self.admin_port}", "token": ADMIN},
            "graph": {"base_url": f"http://127.0.0.1:{self.graph_port}", "timeout_ms": 5000},
            "numbers": [self.number()],
            "sip": {"listen": [f"udp:127.0.0.1:{self.sip_port}", f"tcp:127.0.0.1:{self.sip_port}"], "domain": "trunk.example",
                    "t1x64_ms": T1X64_MS},
            "media": {"public_address": "127.0.0.1", "bind_address": "127.0.0.1", "webrtc_ports": self.ports.webrtc,
                      "rtp_ports": self.ports.rtp, "workers": 1},
            "gateways": [self.gateway()],
            "dialplan": [{"name": "all", "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]}],
            "store": {"url": f"sqlite:{self.dir}/calls.db"},
            "log": {"level": "debug", "format": "json"},
        }
        for section, value in changes.items():
            if isinstance(value, dict) and section in config:
                config[section] = {**config[section], **value}
            else:
                config[section] = value
        return config

    @staticmethod
    def number(**changes):
        return {"phone_number_id": NUMBER_ID, "number": NUMBER, "token": GRAPH_TOKEN, **changes}

    def gateway(self, **changes):
        transport = changes.pop("transport", "udp")
        return {"name": "pbx", "uri": f"sip:127.0.0.1:{self.gateway_port};transport={transport}", **changes}

    def plan(self, **changes):
        return {"webhook_url": f"http://127.0.0.1:{self.webhook_port}/webhook", "app_secret": APP_SECRET, "token": GRAPH_TOKEN, **changes}

    # players

    def watrunk(self, **changes):
        self.watrunk_process = Watrunk(self, self.config(**changes))
        self.processes.append(self.watrunk_process)
        return self.watrunk_process

    def metasim(self, **plan):
        """With users=[self.user(...), ...] it serves until it is asked for its report, unless the plan says otherwise."""
        self.metasims += 1
        if "users" in plan:
            plan = {"serve": True, **plan}
        sim = Metasim(self, self.plan(**plan), self.metasims)
        self.processes.append(sim)
        if plan.get("serve"):
            sim.wait_listening()
        return sim

    @staticmethod
    def user(number=USER, **changes):
        """One of a plan's users: permission="permanent", window_open=True, on_call="reject", steps=[{"text": "call me"}] ..."""
        number = number.lstrip("+")
        known = {"user_id": USER_ID} if number == USER.lstrip("+") else {}
        return {"number": number, **known, **changes}

    def sipp(self, scenario, *args, port=None, media_port=None, remote=None):
        """Told by tests/scenario/sipp/NAME.xml, with the story's directory for @DIR@: the answering side, or with remote, a
        port, the one that calls there."""
        port = port or self.gateway_port
        told = self.dir / f"{scenario}.xml"
        told.write_text((HERE / "sipp" / told.name).read_text().replace("@DIR@", str(self.dir)))
        process = Process(["sipp", "-sf", told, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", port,
                           "-mp", media_port or self.ports.one(), "-nostdin", "-nd", *args, *([f"127.0.0.1:{remote}"] if remote else [])],
                          self.dir / "sipp.log")
        self.processes.append(process)
        until(lambda: listens(port) or process.popen.poll() is not None, "sipp's socket")
        check(remote or process.popen.poll() is None, "sipp did not start")
        return process

    def add(self, closer):
        """Something with close(), ended with the story."""
        self.closers.append(closer)
        return closer

    # Meta's webhooks by hand

    def post_webhook(self, body, secret=APP_SECRET, signature=None, path="/webhook", timeout=WAIT_S):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        body = body.encode() if isinstance(body, str) else body
        if signature is None:
            signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Connection": "close"}
        if signature:
            headers["X-Hub-Signature-256"] = signature
        return self.http("POST", path, body, headers, timeout)

    def http(self, method, path, body=None, headers=None, timeout=WAIT_S):
        connection = http.client.HTTPConnection("127.0.0.1", self.webhook_port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        finally:
            connection.close()

    # the end

    def finish(self):
        """After a story that went well: nothing left over, and a clean stop."""
        for closer in self.closers:
            if hasattr(closer, "check"):
                closer.check()
        w = self.watrunk_process
        if w and w.popen.poll() is None:
            w.check_idle()
            w.stop()

    def close(self):
        for closer in self.closers:
            closer.close()
        for process in reversed(self.processes):
            process.kill()
        self.ports.lock.close()

    def sanitizer_spoke(self):
        return any(re.search(r"Sanitizer|runtime error:", path.read_text(errors="replace")) for path in self.dir.glob("*.log"))

    def describe(self):
        for path in sorted(self.dir.glob("*.log")):
            text = path.read_text(errors="replace").split("\n")
            print(f"---- {path.name}, last lines", *text[-60:], sep="\n")
        for closer in self.closers:
            if hasattr(closer, "describe"):
                print(closer.describe())


# ---- what most stories look at ----

def expect_record(record, **wanted):
    for key, value in wanted.items():
        if callable(value):
            check(value(record[key]), f"record: {key} is {record[key]!r}")
        else:
            equal(record[key], value, f"record: {key}")


class StallWatch:
    """The longest time this machine kept a thread that only sleeps from running. A virtual machine may lose whole seconds."""

    PERIOD_S = 0.05

    def __init__(self):
        self.longest_s, self.over = 0.0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        before = time.monotonic()
        while not self.over.wait(self.PERIOD_S):
            now = time.monotonic()
            self.longest_s, before = max(self.longest_s, now - before - self.PERIOD_S), now

    def stop(self):
        self.over.set()
        self.thread.join()
        return self.longest_s


def tell_once(name, story):
    """(told well, for how long the machine stood still meanwhile: 0 when a sanitizer spoke, which no stall excuses)"""
    rig, watch = Rig(name), StallWatch()
    started = time.monotonic()
    failed = None
    try:
        story(rig)
        rig.finish()
    except Exception as fault:  # noqa: every fault of a story is reported the same way
        failed, reason = traceback.format_exc(), str(fault)
    finally:
        rig.close()
        stalled_s = watch.stop()
    if failed:
        rig.describe()
        print(failed)
        if rig.sanitizer_spoke():
            stalled_s = 0.0
    print(f"{'FAILED' if failed else 'ok    '} {name} ({time.monotonic() - started:.1f} s)"
          + (f": {reason[:400]} (longest stall of the machine {stalled_s:.1f} s)" if failed else ""), flush=True)
    if not failed or not os.environ.get("KEEP"):
        shutil.rmtree(rig.dir, ignore_errors=True)
    return not failed, stalled_s


def tell(name, story):
    """A story that failed while the machine itself stood still proves nothing: it is told once more, and the output says so."""
    well, stalled_s = tell_once(name, story)
    if not well and stalled_s >= STALL_S:
        print(f"again  {name}: the machine stood still for {stalled_s:.1f} s meanwhile", flush=True)
        well, _ = tell_once(name, story)
    return well


def main():
    module = sys.modules["__main__"]
    stories = [n for n in vars(module) if n.startswith("story_")]
    wanted = [f"story_{n}" for n in sys.argv[1:]] or stories
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = [n for n in wanted if not tell(n[len("story_"):], getattr(module, n))]
    if failed:
        print(f"{len(failed)} of {len(wanted)} stories failed: " + ", ".join(n[len("story_"):] for n in failed))
    sys.exit(1 if failed else 0)
