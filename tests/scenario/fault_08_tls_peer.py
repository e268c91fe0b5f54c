"""Interop fault 8: a TLS peer that rejects ALPN, shows a wrong certificate, or closes the connection in the middle of a call."""
import contextlib
import socket
import ssl
import struct
import threading

from dialogs import ALLOW, TIMER, expires, heard
from harness import WAIT_S, check, equal, expect_record, main, until
from sip_peer import Guarded, SipPeer
from tls import Authority, server_context, talk, with_tls

EXTENSION_SERVER_NAME, EXTENSION_ALPN = 0, 16
NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"     # RFC 7301 s3.2: fatal alert 120
RECORD_HEADER, HANDSHAKE_HEADER = 5, 4


def extensions_of(record):
    """{type: bytes} of the ClientHello in this record (RFC 8446 s4.1.2)."""
    at = RECORD_HEADER + HANDSHAKE_HEADER + 2 + 32                # version, random
    at += 1 + record[at]                                          # session id
    at += 2 + struct.unpack_from("!H", record, at)[0]             # cipher suites
    at += 1 + record[at]                                          # compression methods
    end = at + 2 + struct.unpack_from("!H", record, at)[0]
    at += 2
    found = {}
    while at < end:
        kind, length = struct.unpack_from("!HH", record, at)
        found[kind] = record[at + 4:at + 4 + length]
        at += 4 + length
    return found


def client_hello(connection):
    """Looked at, and left there for the library."""
    head = connection.recv(RECORD_HEADER, socket.MSG_PEEK | socket.MSG_WAITALL)
    length = RECORD_HEADER + struct.unpack_from("!H", head, 3)[0]
    return extensions_of(connection.recv(length, socket.MSG_PEEK | socket.MSG_WAITALL))


class TlsPeer(SipPeer):
    """Over TLS and no other way: wants no ALPN. It answers over the connection that a request came by, and its own requests
    go over the last one."""

    def __init__(self, rig, script, context, **more):
        self.hellos, self.wrapped, self.changed = [], [], threading.Lock()
        super().__init__(rig, script, transport="tls", tls=context, **more)

    def listen_tls(self, connection):
        with contextlib.suppress(OSError):
            connection.settimeout(WAIT_S)
            extensions = client_hello(connection)
            self.hellos.append(extensions)
            if EXTENSION_ALPN in extensions:
                connection.sendall(NO_APPLICATION_PROTOCOL)
                connection.close()
                return
        super().listen_tls(connection)

    def listen_tcp(self, connection):
        with self.changed:
            self.wrapped.append(connection)
        super().listen_tcp(connection)

    def dispatch(self, message, send):
        call = self.by_id.get(message.get("Call-ID"))
        if call:
            call.send = send
        super().dispatch(message, send)

    def hang_up_connections(self):
        """As a peer does with idle ones. Returns how many there were."""
        with self.changed:
            closed, self.wrapped = self.wrapped, []
        for connection in closed:
            connection.close()
        return len(closed)

    def connect(self, authority):
        """A connection of the peer's own to watrunk."""
        context = ssl.create_default_context(cafile=authority.pem)
        plain = socket.create_connection(("127.0.0.1", self.rig.tls_port), WAIT_S)
        connection = Guarded(context.wrap_socket(plain, server_hostname="trunk.example"))
        self.connections.append(connection)
        self.start(self.listen_tcp, connection)
        return connection

    def wait_hellos(self, count):
        until(lambda: len(self.hellos) >= count, f"connection no. {count}")

    def check(self):
        super().check()
        check(not [h for h in self.hellos if EXTENSION_ALPN in h], "ALPN in a ClientHello")


def names_seen(peer):
    """server_name of each connection, in order (RFC 6066 s3: length of the list, type 0, length of the name)."""
    return [h[EXTENSION_SERVER_NAME][5:].decode() if EXTENSION_SERVER_NAME in h else None for h in peer.hellos]


def story_certificate_of_another_name_expired_or_of_an_unknown_authority(rig):
    """Each call goes to the next gateway, and the log tells the reason. All three at once: most of it is waiting."""
    authority = Authority(rig, "ca")
    wrong = {"another name": authority.issue("other", "DNS:pbx.other.example,IP:192.0.2.1"),
             "run out": authority.issue("old", "IP:127.0.0.1", days=-1),
             "unknown authority": Authority(rig, "strange").issue("pbx", "IP:127.0.0.1")}
    good = rig.add(SipPeer(rig, talk))
    peers, gateways, rules, users = {}, [{"name": "good", "uri": f"sip:127.0.0.1:{good.port}"}], [], []
    for n, (why, pair) in enumerate(wrong.items()):
        peers[why] = rig.add(TlsPeer(rig, talk, server_context(pair), port=rig.ports.one()))
        name, number = f"bad{n}", f"+4477009008{n:02}"
        gateways.append({"name": name, "uri": f"sip:127.0.0.1:{peers[why].port};transport=tls"})
        rules.append({"name": name, "match": {"from": f"^\\{number}$"}, "actions": [{"bridge": {"gateways": [name, "good"], "user": "600"}}]})
        users.append(number)
    w = with_tls(rig, authority, gateways=gateways, dialplan=rules)
    sim = rig.metasim(users=[rig.user(number=u, steps=[{"call": True}]) for u in users])
    for user in users:
        sim.wait_user_event("audio_heard", user=user)
        sim.act(user=user, hang_up=True)
    records = {r["user_number"]: r for r in w.wait_records(len(users))}
    for n, (why, peer) in enumerate(peers.items()):
        record = records[users[n]]
        expect_record(record, status="completed", cause="normal", gateway="good")
        equal([(a["gateway"], a["cause"]) for a in record["attempts"]], [(f"bad{n}", "gateway_down"), ("good", "normal")], "attempts")
        equal(len(peer.calls), 0, "INVITEs that got through")
        failure = w.wait_line(lambda l, port=peer.port: l.get("event") == "tls_failed" and l["peer"] == f"127.0.0.1:{port}", f"tls_failed, {why}")
        equal(failure["host"], "127.0.0.1", "host in the log")
        check(why in failure["reason"], f"the log says: {failure['reason']}, not {why}")
    good.wait_done()
    sim.report()


def story_connection_closed_under_a_call(rig):
    """Our refresh and our BYE make new ones; the peer's own request comes over another still, and is answered there."""
    authority = Authority(rig, "ca")
    sims = []

    def talks(call):
        timer = [ALLOW, TIMER, "Require: timer"]
        call.reply(180)
        call.reply(200, sdp=call.sdp(), headers=[*timer, "Session-Expires: 2;refresher=uac"])
        call.media.start(call.remote_rtp(), 0)
        call.expect("ACK")
        heard(call)
        closed = peer.hang_up_connections()
        equal(closed, 1, "connections before")
        update = call.expect("UPDATE", reply=0)
        equal(expires(update), ("2", "uac"), "Session-Expires of our refresh")
        equal(len(peer.hellos), 2, "connections with that of our refresh")
        call.reply(200, to=update, headers=[TIMER, "Session-Expires: 90;refresher=uac"])
        peer.hang_up_connections()
        own = peer.connect(authority)
        call.send = own.sendall
        answer = call.request("INVITE", sdp=call.sdp())
        equal(answer.status, 200, "answer to the peer's re-INVITE")
        call.ack(answer)
        heard(call, since=answer.at)
        peer.hang_up_connections()
        until(lambda: sims, "metasim")[0].act(hang_up=True)
        bye = call.expect("BYE")
        check(bye.get("Via").startswith("SIP/2.0/TLS "), f"Via {bye.get('Via')}")
        equal(len(peer.hellos), 3, "connections with that of our BYE")
        equal(set(names_seen(peer)), {None}, "server names where the gateway is an address")

    peer = rig.add(TlsPeer(rig, talks, server_context(authority.issue("pbx", "IP:127.0.0.1"))))
    w = with_tls(rig, authority, session_expires=2, min_se=2)
    sims.append(rig.metasim(users=[rig.user(steps=[{"call": True}])]))
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")
    peer.wait_done()
    sims[0].report()


if __name__ == "__main__":
    main()
