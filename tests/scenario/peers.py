"""Each preset against a peer with that vendor's habits: the transport, what its INVITE must hold, how it rings and answers, what
it asks for during the call. peers/NAME.json tells them; sipp acts those over UDP and TCP, sip_peer.py those over TLS. All of
them at once, one watrunk, a user and a rule for each."""
import base64
import contextlib
import json
import pathlib
import re
import subprocess

from harness import EVENT_WAIT_S, WATRUNK, Failure, Ports, Process, check, equal, expect_record, listens, main, until
from sip_peer import RawSip, SipPeer
from tls import Authority, server_context

HERE = pathlib.Path(__file__).resolve().parent
PRESETS = HERE.parent.parent / "etc" / "presets"

RESPONSE = """
  <send{attributes}>
    <![CDATA[

      SIP/2.0 {status}
      [last_Via:]
      [last_From:]
      [last_To:]{tag}
      [last_Call-ID:]
      [last_CSeq:]
      Contact: {contact}
      {lines}

    ]]>
  </send>"""
REQUEST = """
  <send retrans="500">
    <![CDATA[

      {method} [$target] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From:[$them];tag=[pid]sipp[call_number]
      To:[$us]
      Call-ID: [call_id]
      CSeq: {cseq} {method}
      Max-Forwards: 70
      Contact: {contact}
      {lines}

    ]]>
  </send>"""
NOTIFIES = """
  <label id="99"/>
  <label id="1"/>
  <recv request="NOTIFY">
    <action><ereg regexp="SIP/2.0 200" search_in="body" assign_to="over"/></action>
  </recv>{ok}
  <nop next="1"/>
  <label id="2"/>"""
TALK_MS = 300    # then it asks for what it wants
HANG_UP_MS = 3500
REFERS = 10
APART_MS = 120
DISCARD = 9    # nobody listens to the voice here
NAMES = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000", "101": "telephone-event/8000"}


class Script:
    """A scenario of sipp, out of what is known of a peer."""

    def __init__(self, name, peer, desk):
        self.name, self.peer, self.desk = name, peer, desk
        self.answer = peer.get("answer", {})
        self.contact = f"<sip:{name}@[local_ip]:[local_port];transport=[transport]{self.answer.get('contact_params', '')}>"
        self.seen = 0

    def check(self, where, regexp):
        self.seen += 1
        regexp = regexp.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        return f'      <ereg regexp="{regexp}" {where} check_it="true" assign_to="seen{self.seen}"/>'

    def header(self, name, regexp):
        return self.check(f'search_in="hdr" header="{name}:"', regexp)

    def invite(self):
        checks = [self.header(n, r) for n, r in self.peer.get("headers", [])]
        checks += [self.check('search_in="body"', r) for r in self.peer.get("body", [])]
        if self.peer.get("request"):
            checks.append(self.check('search_in="msg"', "^INVITE (" + self.peer["request"] + ")"))
        checks.append('      <ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" check_it="true" assign_to="target"/>')
        checks.append('      <ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="them"/>')
        checks.append('      <ereg regexp=".*" search_in="hdr" header="From:" check_it="true" assign_to="us"/>')
        return '  <recv request="INVITE">\n    <action>\n' + "\n".join(checks) + "\n    </action>\n  </recv>"

    def sdp(self):
        pts = self.answer.get("pts", "0").split()
        lines = ["v=0", f"o={self.name} 1 1 IN IP4 [local_ip]", "s=-", "c=IN IP4 [local_ip]", "t=0 0", f"m=audio {DISCARD} RTP/AVP {' '.join(pts)}",
                 *(f"a=rtpmap:{p} {NAMES[p]}" for p in pts), "a=sendrecv"]
        return "\n      ".join(["Content-Type: application/sdp", "Content-Length: [len]", "", *lines])

    def respond(self, status, lines="Content-Length: 0", tag=True, attributes=""):
        return RESPONSE.format(status=status, lines=lines, contact=self.contact, tag=";tag=[pid]sipp[call_number]" if tag else "", attributes=attributes)

    def ringing(self):
        ring = {"count": 1, "every_ms": 0, "trying": True, "answer_after_ms": 0, **self.peer.get("ring", {})}
        out = [self.respond("100 Trying", tag=False)] if ring["trying"] else []
        for _ in range(ring["count"]):
            out.append(self.respond("180 Ringing"))
            if ring["every_ms"]:
                out.append(f'  <pause milliseconds="{ring["every_ms"]}"/>')
        if ring["answer_after_ms"]:
            out.append(f'  <pause milliseconds="{ring["answer_after_ms"]}"/>')
        return out

    def answering(self):
        extra = ([f"Allow: {self.answer['allow']}"] if "allow" in self.answer else []) + self.answer.get("headers", [])
        return [self.respond("200 OK", "\n      ".join([*extra, self.sdp()])), '  <recv request="ACK"/>']

    def request(self, method, cseq, lines="Content-Length: 0"):
        return REQUEST.format(method=method, cseq=cseq, lines=lines, contact=self.contact)

    def after(self):
        out = []
        for cseq, what in enumerate(self.peer.get("then", []), 10):
            if what == "options":
                out += [self.request("OPTIONS", cseq), '  <recv response="200"/>']
            elif what == "reinvite":   # a session refresh, or a new connected line: the same session again
                out += [self.request("INVITE", cseq, self.sdp()), '  <recv response="100" optional="true"/>', '  <recv response="200"/>',
                        self.request("ACK", cseq).replace(' retrans="500"', "")]
            elif what == "refer":
                to = self.peer["refer_to"].replace("DESK", str(self.desk))
                out += [*self.refer(cseq, f"Refer-To: <{to}>\n      Content-Length: 0"),
                        NOTIFIES.format(ok=self.respond("200 OK", tag=False, attributes=' next="2" test="over"'))]
        return out

    def refer(self, cseq, lines):
        """Again after 491: Meta has not yet taken the answer."""
        out = []
        for again in range(REFERS):
            out.append(self.request("REFER", cseq + 20 * again, lines))
            if again + 1 < REFERS:
                label = 3 + again
                out += [f'  <recv response="491" optional="true" next="{label}"/>', '  <recv response="202" next="99"/>',
                        f'  <label id="{label}"/>', '  <pause milliseconds="700"/>']
            else:
                out.append('  <recv response="202"/>')
        return out

    def xml(self):
        steps = [self.invite(), *self.ringing(), *self.answering(), f'  <pause milliseconds="{TALK_MS}"/>', *self.after(),
                 '  <recv request="BYE"/>', self.respond("200 OK", tag=False)]
        variables = ["target", "us", "them", *(f"seen{i}" for i in range(1, self.seen + 1)), *(["over"] if "refer" in self.peer.get("then", []) else [])]
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{self.name}">\n' + "\n".join(steps) + \
            f'\n  <Reference variables="{",".join(variables)}"/>\n</scenario>\n'


def peers():
    return {p.stem: json.loads(p.read_text()) for p in sorted((HERE / "peers").glob("*.json"))}


def secured(sdp, peer):
    """With keys, when only that will do."""
    if "profile" not in peer:
        return sdp
    key = base64.b64encode(bytes(range(30))).decode()
    return sdp.replace("RTP/AVP", peer["profile"]) + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"


def talk_tls(name, peer, seen):
    def script(call):
        seen[name] = call.invite
        call.reply(180)
        if peer.get("answer_after_ms"):
            call.expect_nothing(peer["answer_after_ms"] / 1000)
        call.reply(200, sdp=secured(call.sdp(), peer))
        call.expect("ACK")
        call.expect("BYE")
    return script


def gateway(name, peer, port):
    keys = {"name": name, "preset": name, "ping": 0, **peer.get("keys", {})}
    if "call" in peer:
        keys.update({k: v.replace("PORT", str(port)) if isinstance(v, str) else v for k, v in peer["call"].items()})
    else:
        account = f"{peer['account']}@" if "account" in peer else ""
        keys["uri"] = f"sip:{account}127.0.0.1:{port};transport={peer.get('transport', 'udp')}"
    return keys


def rule(name, peer):
    user = {"user": peer["user"]} if "user" in peer else {}
    return {"name": name, "match": {"payload": f"^{name}$"}, "actions": [{"bridge": {"gateways": [name], **user, **peer.get("rule", {})}}]}


def sipp(rig, name, peer, port, desk):
    script = rig.dir / f"{name}.xml"
    script.write_text(Script(name, peer, desk).xml())
    process = Process(["sipp", "-sf", script, "-i", "127.0.0.1", "-p", port, "-nostdin", "-nd", "-m", 1,
                       "-trace_err", "-error_file", rig.dir / f"{name}.err", *(["-t", "t1"] if peer.get("transport") == "tcp" else [])],
                      rig.dir / f"{name}.log")
    rig.processes.append(process)
    until(lambda: listens(port) or process.popen.poll() is not None, "sipp's socket")
    return process


def told(rig, name):
    errors = rig.dir / f"{name}.err"
    return errors.read_text()[:1500] if errors.exists() else ""


def check_secure(peer, invite):
    check(re.match(f"INVITE {peer['request']}", invite.start), invite.start)
    suites = [line.split()[1] for line in invite.sdp_line("a=crypto:")]
    equal(suites[:2], ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"], "suites offered")
    check(f" {peer.get('profile', 'RTP/AVP')} " in "".join(invite.sdp_line("m=audio")), f"profile {invite.sdp_line('m=audio')}")
    for header, regexp in peer.get("headers", []):
        check(re.search(regexp, invite.get(header) or ""), f"{header}: {invite.get(header)}")


def story_every_preset(rig):
    all_peers = peers()
    ports = {name: rig.ports.one() for name in all_peers}
    desk_port = rig.ports.one()
    authority = Authority(rig, "ca")
    pair = authority.issue("127.0.0.1", "IP:127.0.0.1")
    seen = {}

    def at_desk(call):
        call.reply(180)
        call.answer()
        call.expect("BYE")
    desk = rig.add(SipPeer(rig, at_desk, port=desk_port))
    secure = [n for n, p in all_peers.items() if p.get("transport") == "tls"]
    plain = [n for n in all_peers if n not in secure]
    tls_peers = [rig.add(SipPeer(rig, talk_tls(n, all_peers[n], seen), transport="tls", port=ports[n], tls=server_context(pair))) for n in secure]
    running = {n: sipp(rig, n, all_peers[n], ports[n], desk_port) for n in plain}
    certificate, key = authority.issue("trunk", "DNS:trunk.example")
    gateways = [gateway(n, p, ports[n]) for n, p in all_peers.items()]
    w = rig.watrunk(gateways=[*gateways, {"name": "desk", "uri": f"sip:127.0.0.1:{desk_port};transport=udp"}],
                    transfer={"tel_gateway": "desk"}, call={"media_wait_ms": 500}, dialplan=[rule(n, p) for n, p in all_peers.items()],
                    sip={"listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tcp:127.0.0.1:{rig.sip_port}", f"tls:127.0.0.1:{rig.ports.one()}"],
                         "tls": {"certificate": certificate, "key": key, "ca": authority.pem}})
    users = {n: f"+447700900{i:03}" for i, n in enumerate(all_peers)}
    sim = rig.metasim(users=[rig.user(u, steps=[{"call": True, "payload": n, "at_ms": i * APART_MS},
                                                {"on": "answered", "at_ms": HANG_UP_MS, "hang_up": True}])
                             for i, (n, u) in enumerate(users.items())])
    records = {r["user_number"]: r for r in w.wait_records(len(all_peers), EVENT_WAIT_S)}
    sim.report()
    with contextlib.suppress(Failure):
        until(lambda: all(p.popen.poll() is not None for p in running.values()), "sipp to end")
    late = [n for n, p in running.items() if p.popen.poll() is None]
    check(not late, f"sipp still runs as {late}: {[told(rig, n) for n in late]}")
    for n, process in running.items():
        code = process.wait(15)
        check(code == 0, f"{n}: sipp says {code}: {told(rig, n)}")
    for peer in tls_peers:
        peer.wait_done()
    for n in secure:
        check_secure(all_peers[n], seen[n])
    for n, u in users.items():
        expect_record(records[u], status="completed", cause="normal", rule=n)
    equal(len(desk.calls), sum("refer" in p.get("then", []) for p in all_peers.values()), "calls handed over")
    raw = RawSip(rig)
    answer = raw.ask("OPTIONS")
    raw.close()
    equal(answer.status, 200, "OPTIONS from a gateway's address")
    check("INVITE" in (answer.get("Allow") or ""), "Allow in its answer")


def story_preset_uris(rig):
    """What the vendors publish as the address."""
    for name, peer in peers().items():
        shown = subprocess.run([WATRUNK, "presets", name], capture_output=True, text=True, timeout=30, check=True).stdout
        uri = re.search(r"^uri: (\S+)$", shown, flags=re.M)
        equal(uri and uri.group(1), peer["uri"], f"uri of {name}")
    equal(sorted(peers()), sorted(p.stem for p in PRESETS.glob("*.yaml")), "presets with a peer here")


if __name__ == "__main__":
    main()
