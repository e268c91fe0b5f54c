"""How messages lie on a TCP connection, how large they may be, what a wrong Content-Length does; and SIP over IPv6."""
import contextlib
import re
import socket
import ssl

from harness import NUMBER, USER, WAIT_S, check, equal, main, until
from sip_peer import Message, RawSip, tag
from tls import Authority, with_tls

RULES = [{"name": "in", "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]},
         {"name": "call", "match": {"direction": "outbound", "to": "^\\+44"}, "actions": [{"whatsapp": {"number": NUMBER}}]},
         {"name": "out", "match": {"direction": "outbound"}, "actions": [{"reject": {"cause": "busy"}}]}]
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


def request(rig, method="OPTIONS", headers="", body="", length=None, transport="TCP", host="127.0.0.1", user="600"):
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (f"{method} sip:{user}@{host}:{rig.sip_port} SIP/2.0\r\nVia: SIP/2.0/{transport} {host}:9;branch=z9hG4bK{tag()};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@{host}>;tag={tag()}\r\nTo: <sip:{user}@{host}>\r\nCall-ID: {tag()}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:a@{host}:9;transport=tcp>\r\n{headers}{kind}"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n{body}").encode()


class Stream:
    def __init__(self, rig, family=socket.AF_INET, host="127.0.0.1", source=None, port=None):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if source:
            self.socket.bind((source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(WAIT_S)
        self.socket.connect((host, port or rig.sip_port))
        self.data = b""

    def send(self, data):
        self.socket.sendall(data)

    def final(self):
        """The next final answer's code; None: the other side closed the connection. An INVITE's is ACKed."""
        while True:
            self.data = self.data.lstrip(b"\r\n")     # pongs
            while b"\r\n\r\n" in self.data:
                head = self.data.partition(b"\r\n\r\n")[0]
                length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
                if len(self.data) < len(head) + 4 + length:
                    break
                message, self.data = Message(self.data[:len(head) + 4 + length]), self.data[len(head) + 4 + length:]
                if message.status >= 200:
                    if message.cseq_method == "INVITE":
                        copied = "".join(f"{n}: {message.get(n)}\r\n" for n in ("Via", "From", "To", "Call-ID"))
                        self.send(f"ACK sip:600@127.0.0.1 SIP/2.0\r\n{copied}CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n".encode())
                    return message.status
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not more:
                return None
            self.data += more

    def close(self):
        self.socket.close()


@contextlib.contextmanager
def stream(rig, **how):
    s = Stream(rig, **how)
    yield s
    s.close()


def turn(rig):
    """The control loop has gone round: what was sent before is read."""
    for _ in range(2):
        stranger = RawSip(rig)
        equal(stranger.ask("OPTIONS").status, 200, "answer over UDP")
        stranger.close()


def story_cut_at_every_byte(rig):
    rig.watrunk(dialplan=RULES)
    whole = request(rig)
    for first in range(1, len(whole), 100):     # 100 connections at a time
        cuts = range(first, min(first + 100, len(whole)))
        streams = [Stream(rig) for _ in cuts]
        parts = [request(rig) for _ in cuts]
        for s, data, cut in zip(streams, parts, cuts):
            s.send(data[:cut])
        turn(rig)
        for s, data, cut in zip(streams, parts, cuts):
            s.send(data[cut:])
        for s, cut in zip(streams, cuts):
            equal(s.final(), 200, f"answer to a request cut after {cut} octets")
            s.close()


def story_many_in_one_segment(rig):
    rig.watrunk(dialplan=RULES)
    with stream(rig) as s:
        third = request(rig, "INVITE", body=SDP)
        s.send(b"\r\n\r\n" + request(rig) + b"\r\n" + request(rig, "BYE") + third[:-30])       # a keep-alive in front (RFC 5626 s4.4.1)
        equal(sorted((s.final(), s.final())), [200, 481], "answers to the first two")
        s.send(third[-30:] + request(rig))
        equal(sorted((s.final(), s.final())), [200, 486], "answers to the third, which came in two, and to the fourth")
        for byte in request(rig):
            s.send(bytes([byte]))
        equal(s.final(), 200, "answer to a request that came octet by octet")


def pong(s, ping, what):
    s.socket.sendall(ping)
    equal(s.socket.recv(100), b"\r\n", what)


def story_keep_alive(rig):
    """CRLF CRLF is answered with CRLF, over TCP and TLS (RFC 5626 s4.4.1); what holds a NAT open by UDP is not answered at all."""
    authority = Authority(rig, "ca")
    w = with_tls(rig, authority, dialplan=RULES, listen=[f"tcp:127.0.0.1:{rig.sip_port}"])
    context = ssl.create_default_context(cafile=authority.pem)
    with stream(rig) as tcp, stream(rig, port=rig.tls_port) as tls, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tls.socket = context.wrap_socket(tls.socket, server_hostname="trunk.example")
        for s, transport in ((tcp, "TCP"), (tls, "TLS")):
            pong(s, b"\r\n\r\n", f"pong over {transport}")
            s.send(request(rig, transport=transport))
            equal(s.final(), 200, f"answer to OPTIONS after a ping over {transport}")
            s.send(b"\r\n\r")
            turn(rig)
            pong(s, b"\n", f"pong to a ping in two over {transport}")
        for nothing in (b"\r\n\r\n", b"\r\n", b"\0", b"\0\0\0\0", b""):
            udp.sendto(nothing, ("127.0.0.1", rig.sip_port))
        udp.sendto(request(rig, transport="UDP"), ("127.0.0.1", rig.sip_port))
        udp.settimeout(WAIT_S)
        equal(Message(udp.recv(65535)).status, 200, "the first thing that comes back by UDP")
    equal(w.counters()["sip_bans"], 0, "bans")


def story_large_messages(rig):
    rig.watrunk(dialplan=RULES)
    with stream(rig) as s:
        s.send(request(rig, headers=f"X-Long: {'x' * 8000}\r\n"))
        equal(s.final(), 200, "answer to 8 KB of header")
        s.send(request(rig, headers="".join(f"X-Many-{n}: {'y' * 60}\r\n" for n in range(400))))
        equal(s.final(), 200, "answer to 400 headers")
        s.send(request(rig, "INVITE", user=USER, body=SDP + "a=x:" + "z" * 64000 + "\r\n"))
        equal(s.final(), 488, "answer to 64 KB of SDP")
        s.send(request(rig))
        equal(s.final(), 200, "answer after it")
    peer = RawSip(rig)
    peer.socket.sendto(request(rig, headers=f"X-Long: {'x' * 8000}\r\n", transport="UDP"), ("127.0.0.1", rig.sip_port))
    peer.socket.settimeout(WAIT_S)
    equal(Message(peer.socket.recv(65535)).status, 200, "answer to 8 KB in a datagram")
    peer.close()
    with stream(rig) as s:      # more than any message may be, and no end of it
        with contextlib.suppress(OSError):
            s.send(request(rig, headers="X-Endless: ")[:-4])
            for _ in range(64):
                s.send(b"e" * 65536)
        turn(rig)


def story_content_length_lies(rig):
    w = rig.watrunk(dialplan=RULES)
    with stream(rig) as s:      # too short: what is left over begins no message, and the connection has lost its place
        s.send(request(rig, "INVITE", body=SDP, length=len(SDP) - 20))
        check(s.final() in (400, 486, 488), "the INVITE with too short a length")
        s.send(request(rig))
        equal(s.final(), None, "after it")
    with stream(rig) as s:      # too long: it waits, and swallows the next request
        s.send(request(rig, body="hello", length=5 + 50))
        turn(rig)
        s.send(request(rig))
        check(s.final() in (200, 400), "the request whose body ate the next one")
    for length in ("4294967296", "18446744073709551615", "-1", "x", ""):
        with stream(rig) as s:
            s.send(request(rig, length=length))
            check(s.final() in (400, 413, None), f"Content-Length: {length}")
    with stream(rig) as s:      # begun and left alone
        s.send(request(rig, body="hello", length=50000))
        turn(rig)
    turn(rig)
    equal(w.gauges()["sip_legs"], 0, "legs")


def story_not_sip(rig):
    """Whoever sends it, the connection is closed, without a word, and keeps no descriptor."""
    w = rig.watrunk(dialplan=RULES, sip={"drop_strangers": True})
    turn(rig)
    before = w.fds()
    answer = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKx\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n"
    noise = answer + b"Content-Length: x\r\n\r\n", b"AVP 0\r\n" + request(rig), b"GET /sip HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", b"hello world\r\n\r\n"
    for source, texts in (("127.0.0.1", noise), ("127.0.0.2", (*noise, request(rig, "REGISTER"), request(rig), request(rig, "INVITE", body=SDP)))):
        for text in texts:
            with stream(rig, source=source) as s:
                s.send(text)
                equal(s.final(), None, f"answer to {text[:20]} from {source}")
    until(lambda: w.fds() <= before, "connections to be closed")


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.bind(("::1", 0))
        return True
    return False


def story_ipv6(rig):
    if not has_ipv6():
        print("       no ::1 on this machine")
        return
    listen = [f"{t}:{host}:{rig.sip_port}" for host in ("127.0.0.1", "[::1]") for t in ("udp", "tcp")]
    rig.watrunk(dialplan=RULES, sip={"listen": listen}, gateways=[rig.gateway(), {"name": "six", "uri": "sip:[::1]:5060;transport=udp"}])
    with stream(rig, family=socket.AF_INET6, host="::1") as s:
        s.send(request(rig, host="[::1]"))
        equal(s.final(), 200, "answer to OPTIONS over TCP")
        s.send(request(rig, "INVITE", body=SDP, host="[::1]"))
        equal(s.final(), 486, "answer to INVITE over TCP")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.settimeout(WAIT_S)
        peer.sendto(request(rig, transport="UDP", host="[::1]"), ("::1", rig.sip_port))
        answer = Message(peer.recv(65535))
        equal(answer.status, 200, "answer to OPTIONS over UDP")
        check("received=" not in answer.get("Via") or "::1" in answer.get("Via"), f"Via {answer.get('Via')}")


if __name__ == "__main__":
    main()
