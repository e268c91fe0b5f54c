"""Gateways by host name: NAPTR, SRV and A, the next address when one fails, changed addresses, outbound proxy."""
import json
import secrets
import signal
import socket

from dns_server import DnsServer
from gateways import PASSWORD, USER, Challenger, challenge
from harness import check, equal, expect_record, main, until
from sip_peer import SipPeer


def talk(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def named(rig, dns, uri, **changes):
    sip = {"resolver": dns.address, "listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tcp:127.0.0.1:{rig.sip_port}"]}
    w = rig.watrunk(gateways=[{"name": "pbx", "uri": uri, **changes}], sip=sip)
    return w


def one_call(rig, w, peer, number=1):
    rig.metasim(talk_ms=300).report()
    record = w.wait_records(number)[number - 1]
    expect_record(record, status="completed", cause="normal", ended_by="user")
    equal(len(peer.calls), 1, "calls at the peer")
    peer.wait_done()
    return record


def story_address_record(rig):
    dns = DnsServer(rig, {("pbx.example", "A"): ["127.0.0.1"]})
    peer = rig.add(SipPeer(rig, talk))
    w = named(rig, dns, f"sip:pbx.example:{rig.gateway_port}")
    w.wait_event("gateway_resolved", addresses="1")
    one_call(rig, w, peer)
    check(peer.calls[0].invite.start.startswith(f"INVITE sip:600@pbx.example:{rig.gateway_port} "), peer.calls[0].invite.start)
    check("maddr" not in str(peer.calls[0].invite.headers), "maddr was sent")
    equal({kind for _, kind in dns.asked}, {"A"}, "questions, with a port in the URI")


def two_targets(rig):
    dead = rig.ports.one()
    return dead, {("_sip._udp.pbx.example", "SRV"): [(10, 0, dead, "a.pbx.example"), (20, 0, rig.gateway_port, "b.pbx.example")],
                  ("a.pbx.example", "A"): ["127.0.0.1"], ("b.pbx.example", "A"): ["127.0.0.1"]}


def story_first_target_refuses_connections(rig):
    _, records = two_targets(rig)
    dns = DnsServer(rig, records)
    peer = rig.add(SipPeer(rig, talk))
    w = named(rig, dns, "sip:pbx.example;transport=udp")
    w.wait_event("gateway_resolved", addresses="2")
    record = one_call(rig, w, peer)
    equal(record["sip_call_id"], peer.calls[0].id, "Call-ID of the record")
    equal(w.counters()["sip_next_hop"], 1, "counter")
    w.check_idle(lingering=False)


def story_first_target_answers_503(rig):
    dead, records = two_targets(rig)
    dns = DnsServer(rig, records)

    def busy(call):
        call.reply(503)
        call.expect("ACK")
    first = rig.add(SipPeer(rig, busy, port=dead))
    peer = rig.add(SipPeer(rig, talk))
    w = named(rig, dns, "sip:pbx.example;transport=udp")
    w.wait_event("gateway_resolved")
    one_call(rig, w, peer)
    equal(len(first.calls), 1, "calls at the first")
    equal(first.calls[0].id, peer.calls[0].id, "Call-ID, as of one INVITE that forks in series")
    first.wait_done()


def story_first_target_says_nothing(rig):
    dead, records = two_targets(rig)
    dns = DnsServer(rig, records)
    first = rig.add(SipPeer(rig, lambda call: None, port=dead))
    peer = rig.add(SipPeer(rig, talk))
    w = named(rig, dns, "sip:pbx.example;transport=udp")
    w.wait_event("gateway_resolved")
    one_call(rig, w, peer)
    check(first.calls, "nothing at the first")


def story_both_targets_are_dead(rig):
    _, records = two_targets(rig)
    dns = DnsServer(rig, records)
    w = named(rig, dns, "sip:pbx.example;transport=udp")
    w.wait_event("gateway_resolved")
    rig.metasim().report()
    expect_record(w.wait_records(1)[0], status="failed", cause="gateway_down", answered_ms=None)
    w.check_idle(lingering=False)


def story_naptr_chooses_tcp(rig):
    dns = DnsServer(rig, {("pbx.example", "NAPTR"): [(10, 20, "SIP+D2U", "_sip._udp.pbx.example"), (10, 10, "SIP+D2T", "_sip._tcp.pbx.example")],
                          ("_sip._tcp.pbx.example", "SRV"): [(1, 1, rig.gateway_port, "t.pbx.example")], ("t.pbx.example", "A"): ["127.0.0.1"]})
    peer = rig.add(SipPeer(rig, talk, transport="tcp"))
    w = named(rig, dns, "sip:pbx.example")
    w.wait_event("gateway_resolved")
    one_call(rig, w, peer)
    check(peer.calls[0].invite.get("Via").startswith("SIP/2.0/TCP "), peer.calls[0].invite.get("Via"))


class Watched(SipPeer):
    def check(self):
        """What comes outside of calls is what the story is about."""


def story_watched_where_naptr_leads(rig):
    """OPTIONS and REGISTER, too, go by TCP, where the URI says nothing."""
    dns = DnsServer(rig, {("pbx.example", "NAPTR"): [(10, 10, "SIP+D2T", "_sip._tcp.pbx.example")],
                          ("_sip._tcp.pbx.example", "SRV"): [(1, 1, rig.gateway_port, "t.pbx.example")], ("t.pbx.example", "A"): ["127.0.0.1"]})
    peer = rig.add(Watched(rig, talk, transport="tcp"))
    tcp = rig.ports.one()
    rig.watrunk(gateways=[{"name": "pbx", "uri": "sip:pbx.example", "ping": 1, "register": True, "user": "trunk", "password": "x"}],
                sip={"resolver": dns.address, "listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tcp:127.0.0.1:{tcp}"]})

    def came():
        return {m.method: m for m in peer.strays if m.get("Via").startswith("SIP/2.0/TCP ")}
    until(lambda: {"OPTIONS", "REGISTER"} <= set(came()), "OPTIONS and REGISTER by TCP", 20)
    check(came()["REGISTER"].get("Contact").startswith(f"<sip:trunk@127.0.0.1:{tcp};transport=tcp>"), came()["REGISTER"].get("Contact"))


def story_watched_at_the_second_target(rig):
    """The first of two says nothing: OPTIONS and REGISTER, too, are then sent to the other."""
    port = rig.ports.one()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", port))
        mute.settimeout(20)
        dns = DnsServer(rig, {("_sip._udp.pbx.example", "SRV"): [(1, 1, port, "a.pbx.example"), (2, 1, rig.gateway_port, "a.pbx.example")],
                              ("a.pbx.example", "A"): ["127.0.0.1"]})
        peer = rig.add(Watched(rig, talk))
        rig.watrunk(gateways=[{"name": "pbx", "uri": "sip:pbx.example", "ping": 1, "register": True, "user": "trunk", "password": "x"}],
                    sip={"resolver": dns.address})
        check(mute.recv(4096).split()[0] in (b"OPTIONS", b"REGISTER"), "what came to the first")
        until(lambda: {"OPTIONS", "REGISTER"} <= {m.method for m in peer.strays}, "OPTIONS and REGISTER at the second", 60)


def story_unknown_name_then_known(rig):
    """It starts, refuses calls at once, and asks again."""
    dns = DnsServer(rig, {}, ttl=1)
    w = named(rig, dns, f"sip:pbx.example:{rig.gateway_port}")
    w.wait_event("gateway_unresolved", reason="no such name")
    rig.metasim().report()
    expect_record(w.wait_records(1)[0], status="failed", cause="gateway_down", sip_call_id=None)
    dns.records[("pbx.example", "A")] = ["127.0.0.1"]
    peer = rig.add(SipPeer(rig, talk))
    w.wait_event("gateway_resolved", timeout=40)
    one_call(rig, w, peer, 2)


def options_status(rig):
    """What the address 127.0.0.1 gets for an OPTIONS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.connect(("127.0.0.1", rig.sip_port))
        tag = secrets.token_hex(8)
        s.send("\r\n".join([f"OPTIONS sip:127.0.0.1:{rig.sip_port} SIP/2.0", f"Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{tag}",
                             "Max-Forwards: 70", f"From: <sip:p@pbx.example>;tag={tag}", "To: <sip:w@pbx.example>", f"Call-ID: {tag}",
                             "CSeq: 1 OPTIONS", "Content-Length: 0", "", ""]).encode())
        return int(s.recv(4096).split()[1])


def story_changed_address(rig):
    """Calls go to the new one, and requests are taken from it."""
    dns = DnsServer(rig, {("pbx.example", "A"): ["127.0.0.9"]}, ttl=1)
    peer = rig.add(SipPeer(rig, talk))
    w = named(rig, dns, f"sip:pbx.example:{rig.gateway_port}")
    w.wait_event("gateway_resolved")
    equal(options_status(rig), 403, "OPTIONS of an address that is not the name's")
    dns.records[("pbx.example", "A")] = ["127.0.0.1"]
    before = len(dns.asked)
    until(lambda: len(dns.asked) > before, "the next question", 20)
    until(lambda: options_status(rig) == 200, "the new address to be let in", 20)
    one_call(rig, w, peer)


def story_outbound_proxy(rig):
    """The Request-URI stays the gateway; the proxy, by name, gets it with a loose route."""
    dns = DnsServer(rig, {("edge.example", "A"): ["127.0.0.1"]})
    peer = rig.add(SipPeer(rig, talk))
    w = named(rig, dns, "sip:pbx.elsewhere.example", proxy=f"sip:edge.example:{rig.gateway_port};lr")
    w.wait_event("gateway_resolved", uri=f"sip:edge.example:{rig.gateway_port};lr")
    one_call(rig, w, peer)
    invite = peer.calls[0].invite
    check(invite.start.startswith("INVITE sip:600@pbx.elsewhere.example "), invite.start)
    equal(invite.get("Route"), f"<sip:edge.example:{rig.gateway_port};lr>", "Route")


def story_proxy_and_gateway_both_challenge_then_another_proxy(rig):
    """407 of the proxy, then 401 of the gateway behind it: both are answered, by the same way. A reload leads to the other one."""
    first_port, second_port = rig.ports.one(), rig.ports.one()

    def gateway(port):
        return {"name": "pbx", "uri": "sip:pbx.elsewhere.example", "proxy": f"sip:127.0.0.1:{port};lr", "user": USER, "password": PASSWORD}

    def script(call):
        proxy, server = Challenger(code=407), Challenger()
        challenge(call, proxy)
        challenge(call, server)
        check(proxy.proved(call.invite) and server.proved(call.invite), "both must be proved in the end")
        talk(call)
    first, second = (rig.add(SipPeer(rig, script, port=p)) for p in (first_port, second_port))
    w = rig.watrunk(gateways=[gateway(first_port)])
    for number, (peer, port) in enumerate(((first, first_port), (second, second_port)), 1):
        if peer is second:
            w.path.write_text(json.dumps({**json.loads(w.path.read_text()), "gateways": [gateway(port)]}))
            w.signal(signal.SIGHUP)
            w.wait_event("reloaded", needs_restart=0)
        rig.metasim(talk_ms=300).report()
        expect_record(w.wait_records(number)[number - 1], status="completed", cause="normal", ended_by="user")
        invite = peer.calls[0].invite
        check(invite.start.startswith("INVITE sip:600@pbx.elsewhere.example "), invite.start)
        equal(invite.get("Route"), f"<sip:127.0.0.1:{port};lr>", "Route")
        peer.wait_done()
    equal((len(first.calls), len(second.calls)), (1, 1), "calls at each")


if __name__ == "__main__":
    main()
