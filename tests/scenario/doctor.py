"""`watrunk doctor`, before and beside a running watrunk: each kind of failure is found, named, and told what to do about."""
import contextlib
import hashlib
import http.server
import json
import re
import socket
import subprocess
import threading
import time

from dns_server import DnsServer
from harness import GRAPH_TOKEN, NUMBER_ID, WAIT_S, WATRUNK, check, equal, main
from sip_peer import Message
from tls import Authority, server_context


class Graph:
    """Meta's, for GET of a number: its own token is good."""

    def __init__(self, rig, date=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                good = self.headers["Authorization"] == f"Bearer {GRAPH_TOKEN}"
                known = f"/{NUMBER_ID}?" in self.path
                answer = {"id": NUMBER_ID} if good and known else \
                    {"error": {"code": 100, "message": "Unsupported get request"}} if good else \
                    {"error": {"code": 190, "message": "Error validating access token"}}
                body = json.dumps(answer).encode()
                self.send_response_only(200 if good and known else 400 if good else 401)
                self.send_header("Date", date or self.date_time_string())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", rig.graph_port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Answerer:
    """Answers requests as it is told: by a status, or by a function of the message."""

    def __init__(self, port, status=200, tls=None, headers=()):
        self.status, self.tls, self.headers, self.seen = status, tls, headers, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tls else socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        if tls:
            self.socket.listen(5)
        threading.Thread(target=self.listen_tls if tls else self.listen, daemon=True).start()

    def answer(self, data):
        message = Message(data)
        self.seen.append(message)
        status, headers = (self.status, self.headers) if not callable(self.status) else self.status(message)
        lines = [f"SIP/2.0 {status} X", f"Via: {message.get('Via')}", f"From: {message.get('From')}", f"To: {message.get('To')};tag=x",
                 f"Call-ID: {message.get('Call-ID')}", f"CSeq: {message.get('CSeq')}", *headers, "Content-Length: 0", "", ""]
        return "\r\n".join(lines).encode()

    def listen(self):
        with contextlib.suppress(OSError):
            while True:
                data, source = self.socket.recvfrom(65535)
                if self.status:
                    self.socket.sendto(self.answer(data), source)

    def listen_tls(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self.tls.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.settimeout(WAIT_S)
                wrapped.sendall(self.answer(wrapped.recv(65535)))

    def close(self):
        self.socket.close()


class Doctor:
    def __init__(self, rig, config):
        path = rig.dir / "doctor.yaml"
        path.write_text(json.dumps(config))
        begin = time.monotonic()
        run = subprocess.run([WATRUNK, "doctor", "-c", str(path), "--json"], capture_output=True, text=True, timeout=60, check=False)
        self.took = time.monotonic() - begin
        equal(run.stderr, "", "stderr of doctor")
        top = json.loads(run.stdout)
        self.code, self.ok, self.findings = run.returncode, top["ok"], top["findings"]
        equal(self.code, 0 if self.ok else 1, "exit code")
        check(all(bool(f["advice"]) == (f["verdict"] != "ok") for f in self.findings), f"advice where something is wrong: {self.findings}")

    def has(self, verdict, name, subject="", text=""):
        found = [f for f in self.findings if f["check"] == name and subject in f["subject"] and text in f["text"]]
        check(any(f["verdict"] == verdict for f in found), f"{verdict} of {name} {subject!r} {text!r}, found {found or self.findings}")


def register_with_password(password):
    """Digest (RFC 2617), MD5 with qop: what a registrar asks for a query of bindings."""
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()

    def answer(message):
        if message.method != "REGISTER":
            return 200, []
        proof = dict(re.findall(r'(\w+)="?([^",]+)"?', message.get("Authorization") or ""))
        if "response" in proof:
            check(not message.get("Contact"), "doctor's REGISTER makes a binding")
            ha1, ha2 = md5(f"trunk17:pbx:{password}"), md5(f"REGISTER:{proof['uri']}")
            if proof["response"] == md5(f"{ha1}:n1:{proof['nc']}:{proof['cnonce']}:auth:{ha2}"):
                return 200, []
        return 401, ['WWW-Authenticate: Digest realm="pbx", nonce="n1", qop="auth", algorithm=MD5']
    return answer


def story_all_is_well(rig):
    rig.add(Graph(rig))
    rig.add(Answerer(rig.gateway_port, register_with_password("right")))
    gateways = [rig.gateway(register=True, user="trunk17", password="right"), {"name": "desk", "registered_as": "desk1"}]
    (rig.dir / "recordings").mkdir()
    d = Doctor(rig, rig.config(gateways=gateways, sip={"users": [{"name": "desk1", "password": "s3cret", "register": True}]},
                               recording={"directory": f"{rig.dir}/recordings"}))
    check(d.ok, f"failed: {[f for f in d.findings if f['verdict'] == 'failed']}")
    for name in ("configuration", "dns", "options", "registration", "token", "clock", "store"):
        d.has("ok", name)
    d.has("ok", "recording", text="can be written")
    d.has("ok", "registration", "desk", "registers with us as desk1")
    d.has("ok", "ports", "sip udp", "free")
    d.has("warning", "public_address")
    d.has("ok", "watrunk", text="does not run")


def story_beside_a_running_watrunk(rig):
    rig.add(Graph(rig))
    rig.add(Answerer(rig.gateway_port, 405))
    rig.watrunk()
    d = Doctor(rig, rig.config())
    check(d.ok, f"failed: {[f for f in d.findings if f['verdict'] == 'failed']}")
    d.has("ok", "watrunk", text="runs")
    for what in ("sip udp", "sip tcp", "webhook", "admin"):
        d.has("ok", "ports", what, "held by the running watrunk")
    d.has("ok", "options", text="405")
    changed = Doctor(rig, rig.config(sip={"listen": [f"udp:127.0.0.1:{rig.ports.one()}", f"tcp:127.0.0.1:{rig.sip_port}"]}))
    changed.has("failed", "ports", "sip udp", "does not listen here")


def gateways_of_every_kind(rig):
    """Gateways, and whether the doctor should find fault with each."""
    authority, strange = Authority(rig, "ca"), Authority(rig, "strange")
    ports = {n: rig.ports.one() for n in ("silent", "closed", "no", "sick", "wrong", "good", "name", "authority", "plain")}
    rig.add(Answerer(ports["silent"], 0))
    rig.add(Answerer(ports["no"], 403))
    rig.add(Answerer(ports["sick"], 503))
    rig.add(Answerer(ports["wrong"], register_with_password("right")))
    rig.add(Answerer(ports["good"], 200, server_context(authority.issue("127.0.0.1", "IP:127.0.0.1"))))
    rig.add(Answerer(ports["name"], 200, server_context(authority.issue("other", "DNS:other.example"))))
    rig.add(Answerer(ports["authority"], 200, server_context(strange.issue("127.0.0.1", "IP:127.0.0.1"))))
    plain = rig.add(socket.create_server(("127.0.0.1", ports["plain"])))

    def refuse():
        with contextlib.suppress(OSError):
            while True:
                connection = plain.accept()[0]
                connection.recv(100)
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                connection.close()
    threading.Thread(target=refuse, daemon=True).start()
    tls = ("good", "name", "authority", "plain")
    gateways = [{"name": n, "uri": f"sip:127.0.0.1:{p};transport={'tls' if n in tls else 'tcp' if n == 'closed' else 'udp'}"} for n, p in ports.items()]
    gateways[4].update(register=True, user="trunk17", password="not right")
    certificate, key = authority.issue("trunk", "DNS:trunk.example")
    sip = {"listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tcp:127.0.0.1:{rig.sip_port}", f"tls:127.0.0.1:{rig.ports.one()}"],
           "tls": {"certificate": certificate, "key": key, "ca": authority.pem}}
    return gateways, sip


def story_every_failure(rig):
    """Together they take no longer than one."""
    taken = rig.add(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken.bind(("127.0.0.1", rig.sip_port))
    rig.add(Graph(rig, date="Mon, 01 Jun 2026 00:00:00 GMT"))
    gateways, sip = gateways_of_every_kind(rig)
    numbers = [rig.number(token="expired"), rig.number(phone_number_id="999", number="+12025550199")]
    d = Doctor(rig, rig.config(gateways=gateways, sip=sip, numbers=numbers, store={"url": f"sqlite:{rig.dir}/nowhere/calls.db"},
                               recording={"directory": f"{rig.dir}/no-recordings"},
                               dialplan=[{"name": "all", "actions": [{"bridge": {"gateways": ["good"]}}]}],
                               media={"max_calls": 100000}, webhook={"listen": "192.0.2.1:8080"}))
    d.has("failed", "options", "silent", "no answer")
    d.has("failed", "options", "closed", "refused")
    d.has("warning", "options", "gateway no", "403")
    d.has("warning", "options", "sick", "503")
    d.has("failed", "registration", "wrong", "401")
    d.has("ok", "options", "good", "200")
    d.has("warning", "tls", "good", "runs out")
    for name in ("gateway name", "authority", "plain"):
        d.has("failed", "tls", name, "handshake")
    d.has("failed", "token", NUMBER_ID, "does not take the token")
    d.has("failed", "token", "999", "Unsupported get request")
    d.has("failed", "clock")
    d.has("failed", "store", text="No such file")
    d.has("failed", "recording", "no-recordings", "No such file")
    d.has("failed", "ports", "sip udp", "another program")
    d.has("failed", "ports", "webhook", "no such address")
    d.has("warning", "certificate", text="runs out")
    d.has("warning", "open_files")
    check(d.took < 20, f"it took {d.took:.1f} s")


def story_names_are_asked_for_as_by_the_running_program(rig):
    """One that has SRV records alone was not tried."""
    rig.add(Graph(rig))
    port = rig.ports.one()
    rig.add(Answerer(port))
    dns = DnsServer(rig, {("_sip._udp.pbx.example", "SRV"): [(1, 1, port, "a.pbx.example")], ("a.pbx.example", "A"): ["127.0.0.1"]})
    d = Doctor(rig, rig.config(gateways=[rig.gateway(uri="sip:pbx.example;transport=udp"), {"name": "nowhere", "uri": "sip:no.example"}],
                               sip={"resolver": dns.address}))
    d.has("ok", "dns", "gateway pbx", f"127.0.0.1:{port} by udp")
    d.has("ok", "options", "gateway pbx", "200")
    d.has("warning", "dns", "gateway nowhere", "no.example")


def story_no_way_to_meta_and_faults_of_the_file(rig):
    rig.add(Answerer(rig.gateway_port))
    d = Doctor(rig, rig.config())
    d.has("failed", "graph", text="127.0.0.1")
    d = Doctor(rig, rig.config(gateways=[rig.gateway(preset="asterix")]))
    d.has("failed", "configuration", text="there is no preset")
    equal(len(d.findings), 1, "findings of a file with a fault")
    run = subprocess.run([WATRUNK, "doctor", "-c", str(rig.dir / "doctor.yaml")], capture_output=True, text=True, timeout=60, check=False)
    equal(run.returncode, 1, "exit code")
    check(run.stdout.startswith("failed   configuration"), run.stdout)


if __name__ == "__main__":
    main()
