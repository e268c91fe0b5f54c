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

from harness import T1X64_MS, WAIT_S, check, equal, expect_record, main, until
from sip_peer import Message, SipPeer, tag

# To know the library's leak from ours takes whole stacks.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":fast_unwind_on_malloc=0"
os.environ["LSAN_OPTIONS"] = f"suppressions={pathlib.Path(__file__).with_suffix('.supp')}:print_suppressions=0"


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


def with_tls(rig, authority, verify=True, min_version="1.2", gateways=None, dialplan=None, listen=(), **changes):
    """One gateway over TLS, with these changes of its keys, or these gateways and rules."""
    certificate, key = authority.issue("trunk", "DNS:trunk.example")
    rig.tls_port = rig.ports.one()
    return rig.watrunk(gateways=gateways or [rig.gateway(transport="tls", **changes)], **({"dialplan": dialplan} if dialplan else {}),
                       sip={"listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tls:127.0.0.1:{rig.tls_port}", *listen],
                            "tls": {"certificate": certificate, "key": key, "ca": authority.pem, "verify": verify,
                                    "min_version": min_version}})


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


def refused(rig, pair, authority, why, context=None, **tls):
    peer = rig.add(SipPeer(rig, talk, transport="tls", tls=context or server_context(pair)))
    w = with_tls(rig, authority, **tls)
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="gateway_down", answered_ms=None)
    check(record["ended_ms"] - record["started_ms"] < T1X64_MS + 1500, "the gateway was given up too late")
    equal(len(peer.calls), 0, "INVITEs that got through")
    reason = w.wait_event("tls_failed", host="127.0.0.1")["reason"]
    check(why in reason, f"the log says: {reason}")
    check(w.counters()["sip_tls_failed"] >= 1, "counter")


def story_certificate_of_another_name(rig):
    authority = Authority(rig, "ca")
    refused(rig, authority.issue("pbx", "DNS:other.example,IP:192.0.2.1"), authority, "another name")


def story_certificate_of_a_strange_authority(rig):
    refused(rig, Authority(rig, "strange").issue("127.0.0.1", "IP:127.0.0.1"), Authority(rig, "ca"), "unknown authority")


def story_certificate_that_has_run_out(rig):
    authority = Authority(rig, "ca")
    refused(rig, authority.issue("127.0.0.1", "IP:127.0.0.1", days=-1), authority, "run out")


def story_gateway_that_wants_another_certificate_of_ours(rig):
    """In TLS 1.3 that comes after our side of the handshake."""
    authority = Authority(rig, "ca")
    pair = authority.issue("127.0.0.1", "IP:127.0.0.1")
    refused(rig, pair, authority, "refused", context=server_context(pair, Authority(rig, "theirs").pem))


def story_gateway_of_old_tls(rig):
    authority = Authority(rig, "ca")
    context = server_context(authority.issue("127.0.0.1", "IP:127.0.0.1"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    refused(rig, None, authority, "version", context=context, min_version="1.3")


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
    for tls, word in (({"certificate": certificate, "key": other}, "does not belong"), ({"certificate": f"{rig.dir}/none.pem", "key": key}, "No such file"),
                      ({"certificate": str(empty), "key": key}, "no certificate"), ({"certificate": certificate, "key": str(empty)}, "no private key"),
                      ({"certificate": certificate, "key": key, "ca": str(empty)}, "ca "), (None, "needs sip.tls")):
        path = rig.dir / "bad.yaml"
        sip = {"listen": [f"tls:127.0.0.1:{rig.sip_port}"], **({"tls": tls} if tls else {})}
        path.write_text(json.dumps(rig.config(sip=sip, gateways=[rig.gateway(transport="tls")])))
        done = subprocess.run([os.environ["WATRUNK"], "check", "-c", str(path)], capture_output=True, text=True, timeout=WAIT_S, check=False)
        equal(done.returncode, 2, f"check with {tls}")
        check(re.search(word, done.stdout + done.stderr), f"{word!r} not in {done.stdout + done.stderr}")


if __name__ == "__main__":
    main()
