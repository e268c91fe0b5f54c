"""What every demo stands on: speech, baresip, watrunk and metasim on loopback, and the question who heard whom."""
import glob
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

from ports import Ports

USER_SAYS = ("Hello, this is a customer calling from WhatsApp. I ordered two lamps last week, and one of them arrived broken. "
             "The order number is seven, three, nine, one. Could somebody please tell me how I can get a new one?")
AGENT_SAYS = ("Good morning, thank you for calling. You have reached the service desk. I am sorry to hear about the lamp. "
              "We will send you a replacement today, and it should be with you before the end of the week.")
processes = []


def stop_all():
    for p in reversed(processes):
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 15
    for p in reversed(processes):
        try:
            p.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    processes.clear()


def start(args, log):
    p = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=open(log, "w"), stderr=subprocess.STDOUT)
    processes.append(p)
    return p


def speech(text, path, rate):
    raw = str(path) + ".raw.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "-w", raw, text], check=True)
    subprocess.run(["sox", "-R", raw, "-c", "1", "-b", "16", "-r", str(rate), path, "norm", "-6", "pad", "0.3", "0.5"], check=True)
    os.unlink(raw)


def seconds(path):
    return float(subprocess.run(["soxi", "-D", path], check=True, capture_output=True, text=True).stdout)


class Rig:
    repeats = 0     # of what a phone says; 0: enough for a call or two

    def __init__(self, args):
        self.args = args
        self.bin = pathlib.Path(args.build).resolve()
        self.out = pathlib.Path(args.out).resolve()
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        try:
            self.ports = Ports()
            self.webhook, self.admin, self.graph, self.sip, self.pbx, self.control = (self.ports.one() for _ in range(6))
        except RuntimeError as e:
            sys.exit(f"demo: {e}")

    def tell(self, text=""):
        print(text, file=sys.stderr if self.args.json else sys.stdout, flush=True)

    # ---- the three programs ----

    def write_config(self):
        config = self.out / "watrunk.yaml"
        config.write_text(f"""\
webhook: {{listen: "127.0.0.1:{self.webhook}", path: "/webhook", verify_token: "demo-verify", app_secret: "demo-app-secret"}}
admin:   {{listen: "127.0.0.1:{self.admin}", token: "demo-admin-token"}}
graph:   {{base_url: "http://127.0.0.1:{self.graph}", version: "v25.0"}}
numbers:
  - {{phone_number_id: "310000000000002", number: "+12025550123", token: "demo-graph-token"}}
sip:     {{listen: ["udp:127.0.0.1:{self.sip}", "tcp:127.0.0.1:{self.sip}"], domain: "127.0.0.1"}}
media:   {{public_address: "127.0.0.1", bind_address: "127.0.0.1", webrtc_ports: "{self.ports.webrtc}", rtp_ports: "{self.ports.rtp}"}}
gateways:
  - {{name: pbx, uri: "sip:127.0.0.1:{self.pbx};transport=udp", codecs: [PCMU, PCMA]}}
dialplan:
  - {{name: service-desk, match: {{direction: inbound, to: "+12025550123"}}, actions: [{{bridge: {{gateways: [pbx], user: "600", timeout: 25}}}}]}}
  - {{name: everything-else, match: {{direction: inbound}}, actions: [{{reject: {{cause: closed}}}}]}}
store:   {{url: "sqlite:{self.out}/calls.db"}}
log:     {{level: info, format: json}}
""")
        return config

    def start_pbx(self):
        self.start_phone("baresip", "600", self.pbx, self.control, self.agent_wav)

    def start_phone(self, name, user, port, control, says):
        """A baresip that answers by itself, speaks, and records what it hears, in a folder of its name."""
        folder, log = self.out / name, self.out / f"{name}.log"
        folder.mkdir(exist_ok=True)
        (folder / "contacts").write_text("")
        (folder / "accounts").write_text(f"<sip:{user}@127.0.0.1:{port};transport=udp>;regint=0;answermode=auto;audio_codecs=pcmu,pcma\n")
        modules = pathlib.Path(glob.glob("/usr/lib/baresip/modules")[0])
        (folder / "config").write_text(f"""\
sip_listen 127.0.0.1:{port}
audio_source aufile,{says}
audio_player aufile,x
audio_alert aufile,x
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_txmode thread
rtp_ports {self.ports.peer_rtp}
snd_path {self.heard_folder(name)}
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
""")
        start(["baresip", "-f", folder, "-n", "127.0.0.1", "-v"], log)
        self.wait_for(lambda: "ready" in log.read_text(errors="replace"), "baresip to be ready")

    def heard_folder(self, name):
        return self.out

    def start_watrunk(self):
        self.config = self.write_config()
        self.watrunk = start([*shlex.split(self.args.wrap), self.bin / "watrunk", "run", "-c", self.config], self.out / "watrunk.log")

        def healthy():
            if processes[-1].poll() is not None:
                sys.exit("demo: watrunk did not start:\n" + (self.out / "watrunk.log").read_text())
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/healthz", timeout=2) as r:
                return r.status == 200
        self.wait_for(healthy, "watrunk to be ready", 90 if self.args.wrap else 20)

    def ends_well(self):
        """watrunk stops when told to, without a word from a sanitizer or from what it runs under."""
        self.watrunk.send_signal(signal.SIGTERM)
        code = self.watrunk.wait(60)
        if code:
            print(f"demo: watrunk ended with {code}; the last of {self.out / 'watrunk.log'}:",
                  *(self.out / "watrunk.log").read_text(errors="replace").splitlines()[-60:], sep="\n", file=sys.stderr)
        return code == 0

    def wait_for(self, question, what, limit=20):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            try:
                if question():
                    return
            except OSError:
                pass
            time.sleep(0.02)
        sys.exit(f"demo: waited {limit} s for {what}; logs are in {self.out}")

    def metasim(self, *more):
        return [self.bin / "metasim", "--graph", f"127.0.0.1:{self.graph}", "--webhook", f"http://127.0.0.1:{self.webhook}/webhook",
                "--app-secret", "demo-app-secret", "--token", "demo-graph-token", "--say", self.user_wav, "--timeline", *more]

    def run_metasim(self, log, *more):
        with open(self.out / log, "w") as f:
            done = subprocess.run([str(a) for a in self.metasim(*more)], stdout=f, stderr=subprocess.STDOUT, timeout=600, check=False)
        lines = (self.out / log).read_text(errors="replace").splitlines()
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        if not parsed or "calls" not in parsed[-1]:
            sys.exit("\n".join([f"demo: metasim ended with {done.returncode} and no report; the last of {self.out / log}:", *lines[-20:]]))
        return parsed[-1], parsed[:-1]

    # ---- the story ----

    def prepare_speech(self):
        self.user_wav = self.out / "user-says.wav"
        if self.args.say:
            subprocess.run(["sox", self.args.say, "-c", "1", "-b", "16", "-r", "16000", self.user_wav], check=True)
        else:
            speech(USER_SAYS, self.user_wav, 16000)
        speech(AGENT_SAYS, self.out / "agent-once.wav", 8000)
        self.agent_wav = self.repeated("agent-once.wav", "agent-says.wav")

    def repeated(self, once, name):
        """baresip hangs up at the end of its file: what it says is repeated until the call is surely over."""
        repeats = self.repeats or int(seconds(self.user_wav) * 2 / seconds(self.out / once)) + 4
        subprocess.run(["sox", self.out / once, self.out / name, "repeat", str(repeats)], check=True)
        return self.out / name

    def check_heard(self, reference, heard):
        done = subprocess.run([self.bin / "audiocheck", "--json", reference, heard], capture_output=True, text=True, check=False)
        try:
            result = json.loads(done.stdout)
        except ValueError:
            result = {"score": 0.0, "error": done.stderr.strip()}
        result["heard"] = done.returncode == 0
        result["file"] = str(heard)
        return result

    def records(self):
        done = subprocess.run([self.bin / "watrunk", "calls", "-c", self.config, "--history", "--json", "--limit", "1000"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def wait_for_records(self, n):
        self.wait_for(lambda: len(self.records()) >= n, f"{n} call records")
        return self.records()
