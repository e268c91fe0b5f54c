"""`watrunk route-test` shows the very INVITE that is sent: compared with the running program's, line by line, where random
bytes and ports are left out of both. And it sends nothing."""
import json
import re

from harness import NUMBER, USER, USER_ID, equal, main
from sip_peer import SipPeer
from tls import Authority, server_context

NAME = "Ana;tag=1 Example"

# name: transport, keys of the gateway, keys of the rule. %d: the peer's port.
GATEWAYS = {
    "plain": ("udp", {}, {}),
    "tcp": ("tcp", {"codecs": ["PCMA"], "ptime_ms": 30}, {"user": "{from}"}),
    "tls": ("tls", {"srtp": "require"}, {}),
    "digest": ("udp", {"uri": "sip:trunk@127.0.0.1:%d;transport=udp", "user": "us", "password": "not-a-real-one", "number_format": "digits"}, {}),
    "proxy": ("udp", {"uri": "sip:far.example;transport=udp", "proxy": "sip:127.0.0.1:%d;transport=udp;lr"}, {}),
    "preset": ("udp", {"uri": None, "preset": "./mine.yaml", "host": "127.0.0.1", "srtp": "offer"}, {}),
    "timer": ("udp", {"session_expires": 600, "min_se": 120, "refresher": "us", "rel100": "require"}, {}),
    "untimed": ("udp", {"session_expires": 0, "rel100": "off"}, {}),
    "named": ("udp", {"headers": {"call_id": "X-CALL-ID", "user": "X-CALLER-ID", "number_id": "", "user_id": ""}, "caller": {"domain": "customer.example"}},
              {"headers": [{"name": "X-Said", "value": "{name}"}]}),
    "hidden": ("udp", {"caller": {"from": "anonymous", "pai": True}}, {}),
    "nobody": ("udp", {"caller": {"from": "anonymous"}}, {}),
}


def refuse(call):
    call.reply(603)
    call.expect("ACK")


def comparable(request, headers, body):
    """Start line, headers in order, body; without what is random."""
    def value(name, text):
        text = re.sub(r"wacid\.[^ ;]*", "wacid.test", text)
        if name in ("Call-ID", "Content-Length"):
            return "..."
        if name == "CSeq":
            return re.sub(r"^\S+", "...", text)
        return re.sub(r"(;branch=z9hG4bK|;tag=)[^;,]*$", r"\1...", text)
    body = re.sub(r"(?m)^(o=\S+) \d+", r"\1 ...", body)
    body = re.sub(r"(?m)^(m=audio) \d+", r"\1 ...", body)
    body = re.sub(r"(?m)^(a=rtcp:)\d+", r"\1...", body)
    body = re.sub(r"inline:[^|\r]*", "inline:...", body)
    return [request, *[f"{n}: {value(n, v)}" for n, v in headers], "", *body.split("\r\n")]


def shown(w, name):
    question = ("route-test", "--to", NUMBER, "--from", USER, "--user-id", USER_ID, "--name", NAME, "--payload", name)
    code, out, err = w.cli(*question, "--json")
    equal((code, err), (0, ""), f"route-test for {name}")
    answer = json.loads(out)
    equal(answer["gateway"], name, "gateway")
    invite = answer["invite"]
    lengths = [int(v) for n, v in invite["headers"] if n == "Content-Length"]
    equal(lengths, [len(invite["body"])], "Content-Length")
    return comparable(invite["request"], invite["headers"], invite["body"])


def begin(rig):
    """A peer for each transport, and a watrunk with all the gateways and a rule for each, chosen by the payload."""
    authority = Authority(rig, "ca")
    certificate, key = authority.issue("trunk", "DNS:trunk.example")
    context = server_context(authority.issue("pbx", "IP:127.0.0.1"))
    peers = {t: rig.add(SipPeer(rig, refuse, transport=t, tls=context if t == "tls" else None, port=rig.ports.one())) for t in ("udp", "tcp", "tls")}
    (rig.dir / "mine.yaml").write_text(f"uri: sip:{{host}}:{peers['udp'].port};transport=udp\nheaders: {{call_id: X-Preset}}\nsession_expires: 900\n")
    gateways, rules = [], []
    for name, (transport, keys, rule) in GATEWAYS.items():
        port = peers[transport].port
        g = {"name": name, "uri": f"sip:127.0.0.1:%d;transport={transport}", "tenant": "acme", **keys}
        gateways.append({k: v % port if k in ("uri", "proxy") and v and "%d" in v else v for k, v in g.items() if v is not None})
        rules.append({"name": name, "tenant": "acme", "match": {"payload": name}, "actions": [{"bridge": {"gateways": [name], **rule}}]})
    w = rig.watrunk(
        tenants=[{"name": "acme"}], numbers=[rig.number(tenant="acme")], gateways=gateways, dialplan=rules,
        sip={"listen": [f"{t}:127.0.0.1:{rig.sip_port}" for t in ("udp", "tcp")] + [f"tls:127.0.0.1:{rig.ports.one()}"],
             "tls": {"certificate": certificate, "key": key, "ca": authority.pem}, "public_address": "trunk.example"})
    return w, peers


def story_the_very_invite(rig):
    w, peers = begin(rig)
    sim = rig.metasim(users=[rig.user(name=NAME)])
    for count, name in enumerate(GATEWAYS, 1):
        sim.act(call=True, payload=name)
        w.wait_event("call_ended", count=count)
    sim.report()
    sent = {c.invite.get("X-WA-Payload"): c.invite for p in peers.values() for c in p.calls}
    for name in GATEWAYS:
        real = comparable(sent[name].start, sent[name].headers, sent[name].body)
        equal("\n".join(shown(w, name)), "\n".join(real), f"INVITE to {name}")
    equal(sum(len(p.calls) for p in peers.values()), len(GATEWAYS), "INVITEs that reached a gateway")
    for peer in peers.values():
        peer.check()


if __name__ == "__main__":
    main()
