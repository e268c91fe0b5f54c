"""SIP over TLS, with certificates of our own making."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess

from dns_server import DnsServer
from harness import WAIT_S, check, equal, expect_record, main, until
from sip_peer import Guarded, Message, SipPeer, tag


class Authority:
    def __init__(self, rig, name):
        self.dir, self.name = rig.dir, name
        self.pem = f"{rig.dir}/{name}.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                     "-keyout", f"{rig.dir}/{name}.key", "-out", self.pem)

    @staticmethod
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)

    def issue(self, name, alt, days=2):
        """Paths of certificate and key. alt None: no alternative names."""
        base = f"{self.dir}/{name}"
        with open(f"{base}.ext", "w", encoding="utf-8") as f:
            f.write(f"subjectAltName={alt}\n" if alt else "basicConstraints=CA:FALSE\n")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                     f"{base}.key", "-out", f"{base}.csr")
        self.openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.pem, "-CAkey", f"{self.dir}/{self.name}.key", "-CAcreateserial",
                     "-days", str(days), "-extfile", f"{base}.ext", "-out", f"{base}.crt")
        return f"{base}.crt", f"{base}.key"


def server_context(pair, ask=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    if ask:
        context.load_verify_locations(ask)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def with_tls(rig, authority, verify=True, min_version="1.2", gateways=None, dialplan=None, listen=(), sip=None, **changes):
    """One gateway over TLS, with these changes of its keys, or these gateways and rules."""
    certificate, key = authority.issue("trunk", "DNS:trunk.example")
    rig.tls_port = rig.ports.one()
    return rig.watrunk(gateways=gateways or [rig.gateway(transport="tls", **changes)], **({"dialplan": dialplan} if dialplan else {}),
                       sip={"listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tls:127.0.0.1:{rig.tls_port}", *listen],
                            "tls": {"certificate": certificate, "key": key, "ca": authority.pem, "verify": verify,
                                    "min_version": min_version}, **(sip or {})})


def talk(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def story_call(rig):
    """Also: the gateway wants to see our certificate. Its own names its address."""
    authority = Authority(rig, "ca")
    peer = rig.add(SipPeer(rig, talk, transport="tls", tls=server_context(authority.issue("pbx", "IP:127.0.0.1"), authority.pem)))
    w = with_tls(rig, authority)
    rig.metasim(talk_ms=300, calls=2).report()
    for record in w.wait_records(2):
        expect_record(record, status="completed", cause="normal", ended_by="user")
    invite = peer.calls[0].invite
    check(invite.get("Via").startswith("SIP/2.0/TLS "), f"Via {invite.get('Via')}")
    contact = invite.get("Contact")
    check(contact.startswith(f"<sip:watrunk@127.0.0.1:{rig.tls_port};transport=tls"), f"Contact {contact}")
    check("sips:" not in str(invite.headers) + invite.start, "sips: in the INVITE")
    peer.wait_done()


def seen_by(context):
    """The server names that this context is asked for, from now on."""
    names = []
    context.sni_callback = lambda connection, name, _: names.append(name)
    return names


def attempts_of(record):
    return {a["gateway"]: (a["cause"], a.get("detail", "")) for a in record["attempts"]}


def story_each_gateway_by_its_own_tls(rig):
    """One call, refused by each gateway for another reason until one has everything right; each reason is told."""
    authority, strange, theirs = Authority(rig, "ca"), Authority(rig, "strange"), Authority(rig, "theirs")
    ip = "IP:127.0.0.1"
    old = server_context(authority.issue("old", ip))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    wild = server_context(strange.issue("wild", "DNS:*.carrier.example"), theirs.pem)
    names = seen_by(wild)
    good = authority.issue("good", ip)
    ours, our_key = theirs.issue("ours", "DNS:trunk.example")
    refusals = {"name": (server_context(authority.issue("name", "DNS:other.example,IP:192.0.2.1")), {}, "another name"),
                "date": (server_context(authority.issue("date", ip, days=-1)), {"ping": 3600}, "run out"),
                "authority": (server_context(strange.issue("host", ip)), {}, "unknown authority"),
                "version": (old, {"tls": {"min_version": "1.3"}}, "version"),
                # in TLS 1.3 that comes after our side of the handshake
                "ours": (server_context(good, theirs.pem), {}, "refused"),
                "asked": (server_context(good), {"tls": {"server_name": "pbx.carrier.example"}}, "another name")}
    gateways, peers = [], []
    for name, (context, changes, _) in refusals.items():
        port = rig.ports.one()
        peers.append(rig.add(SipPeer(rig, talk, transport="tls", port=port, tls=context)))
        gateways.append({"name": name, "uri": f"sip:127.0.0.1:{port};transport=tls", **changes})
    gateways += [{"name": "nobody", "uri": f"sip:127.0.0.1:{rig.ports.one()};transport=tls"},
                 rig.gateway(transport="tls", tls={"ca": strange.pem, "certificate": ours, "key": our_key, "server_name": "pbx.carrier.example"})]
    right = rig.add(SipPeer(rig, talk, transport="tls", tls=wild))
    w = with_tls(rig, authority, gateways=gateways, dialplan=[{"name": "all", "actions": [{"bridge": {"gateways": [g["name"] for g in gateways],
                                                                                                      "user": "600"}}]}])
    rig.metasim(talk_ms=300).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", gateway="pbx")
    attempts = attempts_of(record)
    equal(list(attempts), [g["name"] for g in gateways], "gateways in their order")
    for name, (_, _, why) in {**refusals, "nobody": (None, None, "refused")}.items():
        cause, detail = attempts[name]
        equal(cause, "gateway_down", f"cause of {name}")
        check(why in detail, f"{name} in the record: {detail}")
        check(detail.startswith("TLS: ") == (name in refusals), detail)
    equal(attempts["pbx"], ("normal", ""), "the right one")
    check(set(names) == {"pbx.carrier.example"}, f"server names: {names}")
    equal([len(p.calls) for p in peers], [0] * len(peers), "INVITEs that got through")
    check(w.counters()["sip_tls_failed"] >= len(refusals), "counter")
    right.wait_done()

    def told():
        known = {g["name"]: g for g in w.admin("GET", "/v1/gateways")[1]["gateways"]}
        return "run out" in (known["date"]["options_error"] or "")
    until(told, "options_error in the API")
    check("TLS: its certificate has run out" in w.cli("gateways")[1], "watrunk gateways")


def story_a_gateway_that_verifies_rides_on_no_connection_of_one_that_does_not(rig):
    """Same address and port. Nor does one that has come to verify; nor one with another name."""
    authority, strange = Authority(rig, "ca"), Authority(rig, "strange")
    context = server_context(strange.issue("pbx", "IP:127.0.0.1,DNS:strict.example"))
    peer = rig.add(SipPeer(rig, talk, transport="tls", tls=context))
    loose = rig.gateway(transport="tls", name="loose", tls={"verify": False})
    gateways = [rig.gateway(transport="tls", name="strict"), loose, rig.gateway(transport="tls", name="same", tls={"verify": False})]

    def rule(*names):
        return [{"name": "all", "actions": [{"bridge": {"gateways": list(names), "user": "600"}}]}]
    w = with_tls(rig, authority, gateways=gateways, dialplan=rule("strict", "loose"))

    def shaken():
        return sum(isinstance(c, Guarded) for c in peer.connections)
    for n in (1, 2):
        rig.metasim(talk_ms=300).report()
        record = w.wait_records(n)[n - 1]
        expect_record(record, status="completed", gateway="loose")
        check("unknown authority" in attempts_of(record)["strict"][1], f"attempts: {record['attempts']}")
        equal(shaken(), 1, "connections of the loose gateway")
    config = json.loads(w.path.read_text())

    def reload(**changes):
        w.path.write_text(json.dumps({**config, **changes}))
        before = len(w.events("reloaded"))
        w.signal(signal.SIGHUP)
        w.wait_event("reloaded", count=before + 1)
    reload(dialplan=rule("same"))
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(3)[2], status="completed", gateway="same")
    equal(shaken(), 1, "connections of gateways with the same policy")
    reload(gateways=[{**loose, "tls": {"verify": True}}], dialplan=rule("loose"))
    rig.metasim().report()
    record = w.wait_records(4)[3]
    expect_record(record, status="failed", cause="gateway_down", answered_ms=None)
    check("unknown authority" in attempts_of(record)["loose"][1], f"attempts: {record['attempts']}")
    reload(gateways=[{**loose, "tls": {"ca": strange.pem}}], dialplan=rule("loose"))
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(5)[4], status="completed", gateway="loose")
    equal(shaken(), 2, "connections, one of them verified")
    peer.wait_done()


def story_name_of_the_domain_not_of_its_server(rig):
    """RFC 5922 s7.3, by NAPTR and SRV: the certificate of the SRV target is not good enough."""
    authority = Authority(rig, "ca")
    wrong, right = (server_context(authority.issue(n, f"DNS:{n}")) for n in ("a.carrier.example", "pbx.example"))
    names = [seen_by(wrong), seen_by(right)]
    port = rig.ports.one()
    dns = DnsServer(rig, {("pbx.example", "NAPTR"): [(10, 10, "SIPS+D2T", "_sips._tcp.pbx.example")],
                          ("_sips._tcp.pbx.example", "SRV"): [(1, 1, port, "a.carrier.example"), (2, 1, rig.gateway_port, "b.carrier.example")],
                          ("a.carrier.example", "A"): ["127.0.0.1"], ("b.carrier.example", "A"): ["127.0.0.1"]})
    first = rig.add(SipPeer(rig, talk, transport="tls", port=port, tls=wrong))
    peer = rig.add(SipPeer(rig, talk, transport="tls", tls=right))
    w = with_tls(rig, authority, gateways=[{"name": "pbx", "uri": "sip:pbx.example"}], sip={"resolver": dns.address})
    w.wait_event("gateway_resolved", addresses="2")
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")
    check("another name" in w.wait_event("tls_failed", host="pbx.example")["reason"], "the log")
    equal((len(first.calls), w.counters()["sip_next_hop"]), (0, 1), "INVITEs at the first, next hops")
    equal([set(n) for n in names], [{"pbx.example"}] * 2, "server names")
    peer.wait_done()


def story_common_name_where_there_is_no_other(rig):
    authority = Authority(rig, "ca")
    peer = rig.add(SipPeer(rig, talk, transport="tls", tls=server_context(authority.issue("127.0.0.1", None))))
    w = with_tls(rig, authority)
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(1)[0], status="completed")
    peer.wait_done()


def shown_to(rig, authority):
    """The names in the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=authority.pem)
    context.check_hostname = False
    with context.wrap_socket(socket.create_connection(("127.0.0.1", rig.tls_port), WAIT_S)) as s:
        return [value for _, value in s.getpeercert()["subjectAltName"]]


def story_certificate_renewed_under_a_call(rig):
    """The connection and its call live on; new connections get the new one. Bad files are refused, whole."""
    authority = Authority(rig, "ca")
    peer = rig.add(SipPeer(rig, talk, transport="tls", tls=server_context(authority.issue("pbx", "IP:127.0.0.1"), authority.pem)))
    w = with_tls(rig, authority)
    sim = rig.metasim(talk_ms=3500)
    until(lambda: any(c["state"] == "up" for c in w.live()), "the call")
    equal(shown_to(rig, authority), ["trunk.example"], "certificate at first")
    connections = len(peer.connections)
    certificate = pathlib.Path(json.loads(w.path.read_text())["sip"]["tls"]["certificate"])
    good = certificate.read_text()
    certificate.write_text(good.replace("A", "B", 40))
    w.signal(signal.SIGHUP)
    w.wait_event("reload_refused")
    equal(shown_to(rig, authority), ["trunk.example"], "certificate after the bad file")
    authority.issue("trunk", "DNS:renewed.example")
    w.signal(signal.SIGHUP)
    w.wait_event("reloaded", needs_restart=0)
    equal(shown_to(rig, authority), ["renewed.example"], "certificate after the renewal")
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")
    peer.wait_done()
    equal(len(peer.connections), connections, "connections")


def story_not_verified(rig):
    peer = rig.add(SipPeer(rig, talk, transport="tls", tls=server_context(Authority(rig, "strange").issue("pbx", "DNS:other.example"))))
    w = with_tls(rig, Authority(rig, "ca"), verify=False)
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(1)[0], status="completed")
    peer.wait_done()


def options(rig, context):
    with context.wrap_socket(socket.create_connection(("127.0.0.1", rig.tls_port), WAIT_S), server_hostname="trunk.example") as s:
        s.sendall(f"OPTIONS sip:x@127.0.0.1:{rig.tls_port};transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK{tag()};rport\r\n"
                  f"Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag={tag()}\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: {tag()}\r\nCSeq: 1 OPTIONS\r\n"
                  "Content-Length: 0\r\n\r\n".encode())
        return Message(s.recv(65535)).status


def story_asked_over_tls_many_times(rig):
    """And broken handshakes; none of it leaves memory behind."""
    authority = Authority(rig, "ca")
    w = with_tls(rig, authority)
    context = ssl.create_default_context(cafile=authority.pem)
    for _ in range(20):
        equal(options(rig, context), 200, "answer")
    before = w.rss_kb()
    for _ in range(150):
        equal(options(rig, context), 200, "answer")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", rig.tls_port), WAIT_S) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            s.settimeout(WAIT_S)
            s.recv(100)
    until(lambda: w.fds() < 60, "connections to be closed")
    print(f"       grew by {w.rss_kb() - before} KB")
    check(not [p for p in rig.dir.parent.glob("watrunk-tls-*")], "the key's copy is still there")


def story_bad_files_are_named(rig):
    authority = Authority(rig, "ca")
    certificate, key = authority.issue("trunk", "DNS:trunk.example")
    _, other = authority.issue("other", "DNS:other.example")
    empty = rig.dir / "empty.pem"
    empty.write_text("nothing here\n")
    for tls, word in (({"certificate": certificate, "key": other}, r"sip\.tls\.key: /\S+ does not belong"), ({"certificate": f"{rig.dir}/none.pem", "key": key}, r"sip\.tls\.certificate: /\S+: No such file"),
                      ({"certificate": str(empty), "key": key}, r"tls\.certificate: /\S+: no certificate"), ({"certificate": certificate, "key": str(empty)}, r"sip\.tls\.key: /\S+: no private key"),
                      ({"certificate": certificate, "key": key, "ca": str(empty)}, r"sip\.tls\.ca: /\S+: no certificate"), (None, "needs sip.tls")):
        path = rig.dir / "bad.yaml"
        sip = {"listen": [f"tls:127.0.0.1:{rig.sip_port}"], **({"tls": tls} if tls else {})}
        path.write_text(json.dumps(rig.config(sip=sip, gateways=[rig.gateway(transport="tls")])))
        done = subprocess.run([os.environ["WATRUNK"], "check", "-c", str(path)], capture_output=True, text=True, timeout=WAIT_S, check=False)
        equal(done.returncode, 2, f"check with {tls}")
        check(re.search(word, done.stdout + done.stderr), f"{word!r} not in {done.stdout + done.stderr}")


if __name__ == "__main__":
    main()
