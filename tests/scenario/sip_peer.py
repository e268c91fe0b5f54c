"""A SIP peer that a story tells what to do, message by message: sipp cannot be asked questions in the middle.

    def gateway(call):              # runs in a thread of its own for every call
        call.reply(180)
        call.answer()               # 200 with SDP and RTP; waits for the ACK
        call.expect("BYE")          # and answers it
    peer = rig.add(SipPeer(rig, gateway))

Plain on purpose: no transaction layer but the repeat of the last response, no registration, IPv4, UDP, TCP or TLS.
"""
import contextlib
import queue
import random
import re
import select
import socket
import ssl
import struct
import threading
import time
import traceback

from harness import Failure, WAIT_S, check, equal, until
from rtp_peer import RtpPeer

PHRASES = {100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 183: "Session Progress", 200: "OK", 403: "Forbidden",
           404: "Not Found", 480: "Temporarily Unavailable", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
           503: "Service Unavailable", 603: "Decline"}


class Message:
    def __init__(self, data):
        head, _, self.body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = [tuple(x.strip() for x in line.split(":", 1)) for line in lines if ":" in line]
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else None
        self.method = None if self.status else self.start.split()[0]
        self.at = time.monotonic()

    def get(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def routes(self):
        """The Record-Route set, topmost first."""
        return [r.strip() for value in self.all("Record-Route") for r in value.split(",")]

    @property
    def cseq_method(self):
        return self.get("CSeq").split()[1]

    @property
    def branch(self):
        return re.search(r"branch=([^;,\s]+)", self.get("Via")).group(1)

    def sdp_line(self, prefix):
        return [line[len(prefix):] for line in self.body.split("\r\n") if line.startswith(prefix)]


def tag():
    return f"{random.getrandbits(48):012x}"


class Call:
    """One call as its SIP side sees it."""

    def __init__(self, peer, invite, send):
        self.peer, self.invite, self.send = peer, invite, send
        self.id, self.tag = invite.get("Call-ID"), tag()
        self.inbox, self.responses = queue.Queue(), queue.Queue()
        self.log = [invite]
        self.media, self.pts = None, [0, 8]
        self.sdp_version, self.cseq = 1, random.randrange(100, 900)
        self.target = re.search(r"<([^>]*)>", invite.get("Contact")).group(1)
        self.routes = invite.routes()
        self.last_response = {}

    # what comes

    def take(self, message):
        self.log.append(message)
        if message.status:
            self.responses.put(message)
            return
        repeat = self.last_response.get((message.branch, message.method))
        if repeat and message.method != "ACK":
            self.send(repeat)
            return
        self.inbox.put(message)

    def expect(self, method, timeout=WAIT_S, reply=200):
        """The next request must be this one; it is answered."""
        try:
            message = self.inbox.get(timeout=timeout)
        except queue.Empty:
            raise Failure(f"gateway: waited {timeout} s for {method}") from None
        equal(message.method, method, "gateway: next request")
        if method != "ACK" and reply:
            self.reply(reply, to=message)
        return message

    def expect_any(self, timeout=WAIT_S, reply=200):
        """The next request, whatever it is; answered."""
        try:
            message = self.inbox.get(timeout=timeout)
        except queue.Empty:
            raise Failure(f"gateway: waited {timeout} s for a request") from None
        if message.method != "ACK" and reply:
            self.reply(reply, to=message)
        return message

    def expect_nothing(self, seconds):
        """No request within this time. The one place where time itself is the question."""
        with contextlib.suppress(queue.Empty):
            raise Failure(f"gateway: unexpected {self.inbox.get(timeout=seconds).start}")

    # what goes

    def reply(self, code, to=None, sdp=None, headers=()):
        request = to or self.invite
        to_header = request.get("To")
        if code > 100 and ";tag=" not in to_header:
            to_header += f";tag={self.tag}"
        lines = [f"SIP/2.0 {code} {PHRASES.get(code, 'Whatever')}", *[f"Via: {v}" for v in request.all("Via")],
                 *[f"Record-Route: {v}" for v in request.all("Record-Route")], f"From: {request.get('From')}", f"To: {to_header}", f"Call-ID: {self.id}", f"CSeq: {request.get('CSeq')}",
                 *([] if any(h.startswith("Contact:") for h in headers) else [f"Contact: {self.peer.contact}"]), *headers]
        data = self.finish(lines, sdp)
        self.last_response[request.branch, request.method] = data
        self.send(data)

    def request(self, method, sdp=None, headers=(), cseq=None):
        """A request within the dialog; its final answer (ACKed when it is an INVITE's)."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        branch = "z9hG4bK" + tag()
        self.send(self.finish(self.request_lines(method, branch, cseq) + list(headers), sdp))
        while True:
            try:
                answer = self.responses.get(timeout=WAIT_S)
            except queue.Empty:
                raise Failure(f"gateway: no answer to {method}") from None
            if answer.status >= 200 and answer.cseq_method == method:
                return answer

    def ack(self, answer, sdp=None):
        cseq = answer.get("CSeq").split()[0]
        self.send(self.finish(self.request_lines("ACK", "z9hG4bK" + tag(), cseq), sdp))

    def request_lines(self, method, branch, cseq):
        return [f"{method} {self.target} SIP/2.0", f"Via: SIP/2.0/{self.peer.transport.upper()} 127.0.0.1:{self.peer.port};branch={branch};rport",
                "Max-Forwards: 70", *[f"Route: {r}" for r in self.routes], f"From: {self.invite.get('To')};tag={self.tag}", f"To: {self.invite.get('From')}",
                f"Call-ID: {self.id}", f"CSeq: {cseq} {method}", f"Contact: {self.peer.contact}"]

    @staticmethod
    def finish(lines, sdp):
        body = (sdp or "").encode()
        if sdp:
            lines = [*lines, "Content-Type: application/sdp"]
        return ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body

    # SDP and media

    def remote_rtp(self, message=None):
        message = message or self.invite
        host = message.sdp_line("c=IN IP4 ")[0]
        return host, int(message.sdp_line("m=audio ")[0].split()[0])

    def sdp(self, direction="sendrecv", pts=None):
        if not self.media:
            self.media = self.peer.rig.add(RtpPeer())
        self.sdp_version += 1
        names = {0: "PCMU/8000", 8: "PCMA/8000", 101: "telephone-event/8000"}
        pts = [*(pts or self.pts[:1]), 101]
        lines = ["v=0", f"o=pbx 7 {self.sdp_version} IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
                 f"m=audio {self.media.port} RTP/AVP " + " ".join(map(str, pts)), *[f"a=rtpmap:{pt} {names[pt]}" for pt in pts],
                 "a=fmtp:101 0-15", "a=ptime:20", f"a={direction}"]
        return "\r\n".join(lines) + "\r\n"

    def answer(self, pts=None, speak=True):
        """Pick up, speak, and wait for the ACK."""
        self.reply(200, sdp=self.sdp(pts=pts))
        if speak:
            self.media.start(self.remote_rtp(), (pts or self.pts)[0])
        return self.expect("ACK")

    def refer(self, to, headers=()):
        """The answer to a REFER."""
        return self.request("REFER", headers=[f"Refer-To: <{to}>", *headers])

    def bye(self, headers=()):
        answer = self.request("BYE", headers=headers)
        equal(answer.status, 200, "answer to our BYE")


class OutCall(Call):
    """A call that the peer makes: sip_port's watrunk is called, and asked what it says."""

    def __init__(self, peer, send, user, headers=(), offer=True, from_user="6001"):  # noqa: the wire's own order
        self.peer, self.send = peer, send
        self.id, self.tag, self.to_tag = tag(), tag(), None
        self.inbox, self.responses = queue.Queue(), queue.Queue()
        self.log, self.last_response = [], {}
        self.media, self.pts, self.sdp_version, self.cseq = None, [0, 8], 1, 1
        self.uri = self.target = f"sip:{user}@127.0.0.1:{peer.rig.sip_port}"
        self.me, self.routes = f"<sip:{from_user}@127.0.0.1:{peer.port}>", []
        self.branch, self.done, self.answered = "z9hG4bK" + tag(), True, None
        self.headers, self.offer = list(headers), self.sdp(pts=self.pts) if offer else None
        peer.by_id[self.id] = self
        peer.dialled.append(self)
        self.send(self.finish(self.request_lines("INVITE", self.branch, self.cseq) + self.headers, self.offer))

    def request_lines(self, method, branch, cseq):
        to = f"<{self.uri}>" + (f";tag={self.to_tag}" if self.to_tag and method != "CANCEL" else "")
        return [f"{method} {self.target if method != 'CANCEL' else self.uri} SIP/2.0",
                f"Via: SIP/2.0/{self.peer.transport.upper()} 127.0.0.1:{self.peer.port};branch={branch};rport", "Max-Forwards: 70",
                *[f"Route: {r}" for r in self.routes], f"From: {self.me};tag={self.tag}", f"To: {to}", f"Call-ID: {self.id}", f"CSeq: {cseq} {method}",
                f"Contact: {self.peer.contact}"]

    def take(self, message):
        super().take(message)
        if message.status and message.cseq_method == "INVITE" and message.status >= 300:     # repeated until it is ACKed
            to = message.get("To")
            lines = [l if not l.startswith("To:") else f"To: {to}" for l in self.request_lines("ACK", self.branch, self.cseq)]
            lines[0] = f"ACK {self.uri} SIP/2.0"
            self.send(self.finish(lines, None))

    def wait_response(self, *codes, timeout=WAIT_S):
        """The next response to the INVITE with one of these codes; lower ones are passed over, others are a fault."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                answer = self.responses.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise Failure(f"caller: waited {timeout} s for {codes}") from None
            if answer.cseq_method != "INVITE":
                continue
            match = re.search(r";tag=([^;]+)", answer.get("To") or "")
            if match:
                self.to_tag = match.group(1)
            if answer.status in codes:
                return answer
            check(answer.status < 200, f"caller: {answer.start}, expected {codes}")

    def wait_answer(self, timeout=WAIT_S, speak=True):
        """200; ACKed, and spoken."""
        answer = self.wait_response(200, timeout=timeout)
        self.answered = answer
        self.target, self.routes = re.search(r"<([^>]*)>", answer.get("Contact")).group(1), answer.routes()[::-1]
        if self.offer:
            self.ack(answer)
        else:
            self.ack(answer, self.sdp(pts=self.pts[:1]))
        if speak:
            self.media.start(self.remote_rtp(answer), int(answer.sdp_line("m=audio ")[0].split()[2]) if self.offer else self.pts[0])
        return answer

    def cancel(self):
        self.send(self.finish(self.request_lines("CANCEL", self.branch, self.cseq), None))


class Guarded:
    """One thread reads a TLS connection, others write and close it: OpenSSL's are not for two at once."""

    def __init__(self, connection):
        self.connection, self.lock, self.over = connection, threading.Lock(), False
        connection.setblocking(False)

    def step(self, what, data):
        """What was done; None: the connection was not ready, and may be now."""
        wanted = [self.connection], []
        with self.lock:
            if self.over:
                raise OSError("closed")
            try:
                return what(data)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLWantWriteError:
                wanted = [], [self.connection]
        with contextlib.suppress(ValueError):     # closed meanwhile
            select.select(*wanted, [], 0.05)
        return None

    def recv(self, count):
        while (data := self.step(self.connection.recv, count)) is None:
            pass
        return data

    def sendall(self, data):
        while data:
            data = data[self.step(self.connection.send, data) or 0:]

    def close(self):
        """close_notify, then FIN, without waiting for the other side's."""
        with self.lock:
            self.over = True
            with contextlib.suppress(OSError, ValueError):
                self.connection.unwrap()
            self.connection.close()


class SipPeer:
    def __init__(self, rig, script, transport="udp", port=None, on_stray=None, tls=None):
        """tls: the ssl.SSLContext of a server, for transport="tls"."""
        self.tls = tls
        self.rig, self.script, self.transport = rig, script, transport
        self.port = port or rig.gateway_port
        self.contact = f"<sip:pbx@127.0.0.1:{self.port};transport={transport}>"
        self.calls, self.dialled, self.faults, self.threads, self.strays = [], [], [], [], []
        self.by_id, self.stopping = {}, threading.Event()
        self.connections = []
        if transport == "udp":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.settimeout(0.2)
        if transport != "udp":
            self.socket.listen(512)
        self.start(self.listen_udp if transport == "udp" else self.accept_tcp)

    def start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    # the wire

    def listen_udp(self):
        while not self.stopping.is_set():
            try:
                data, source = self.socket.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            if data.strip():
                self.dispatch(Message(data), lambda out, to=source: self.socket.sendto(out, to))

    def accept_tcp(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections.append(connection)
            self.start(self.listen_tls if self.tls else self.listen_tcp, connection)

    def listen_tls(self, connection):
        with contextlib.suppress(OSError):     # ssl.SSLError is one
            connection.settimeout(WAIT_S)
            wrapped = Guarded(self.tls.wrap_socket(connection, server_side=True))
            self.connections.append(wrapped)
            self.listen_tcp(wrapped)

    def listen_tcp(self, connection):
        data = b""
        with contextlib.suppress(OSError):
            while not self.stopping.is_set():
                more = connection.recv(65535)
                if not more:
                    return
                data = (data + more).lstrip(b"\r\n")
                while b"\r\n\r\n" in data:
                    head = data.partition(b"\r\n\r\n")[0]
                    match = re.search(rb"(?im)^content-length:\s*(\d+)", head)
                    length = len(head) + 4 + (int(match.group(1)) if match else 0)
                    if len(data) < length:
                        break
                    message, data = Message(data[:length]), data[length:].lstrip(b"\r\n")
                    self.dispatch(message, connection.sendall)

    @staticmethod
    def reset(connection):
        """RST instead of FIN."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def dispatch(self, message, send):
        self.read_as_the_strict_do(message)
        call = self.by_id.get(message.get("Call-ID"))
        if call:
            call.take(message)
        elif message.method == "INVITE":
            call = Call(self, message, send)
            self.by_id[call.id] = call
            self.calls.append(call)
            self.start(self.run_script, call)
        else:
            self.strays.append(message)

    def read_as_the_strict_do(self, message):
        """Some peers end a value where RFC 3261 s25.1 allows no more of it, and send back what is left."""
        for name, pattern in (("From", r";tag=([^;,\s]*)"), ("To", r";tag=([^;,\s]*)"), ("Via", r";branch=([^;,\s]*)")):
            for value in re.findall(pattern, message.get(name) or ""):
                if not re.fullmatch(r"[A-Za-z0-9.!%*_+`'~-]+", value):
                    self.faults.append(f"{name} of {message.start}: {value} is no token")

    def run_script(self, call):
        try:
            self.script(call)
        except Exception:  # noqa: told by the story at its end
            if not self.stopping.is_set():
                self.faults.append(traceback.format_exc())
        call.done = True

    def dial(self, user, port=None, tls=None, **how):
        """INVITE to watrunk, or to the port of a proxy. tls: the ssl.SSLContext of a client, for transport="tls"."""
        to = "127.0.0.1", port or self.rig.sip_port
        if self.transport == "udp":
            return OutCall(self, lambda out: self.socket.sendto(out, to), user, **how)
        connection = self.open_connection(to, tls)
        return OutCall(self, connection.sendall, user, **how)

    def open_connection(self, to, tls=None):
        """A connection of ours, listened to."""
        connection = socket.create_connection(to, WAIT_S)
        if tls:
            connection = Guarded(tls.wrap_socket(connection))
        else:
            connection.settimeout(None)
        self.connections.append(connection)
        self.start(self.listen_tcp, connection)
        return connection

    # questions

    def wait_calls(self, count=1, timeout=WAIT_S):
        until(lambda: len(self.calls) >= count, f"{count} INVITEs", timeout)
        return self.calls[count - 1]

    def wait_done(self, timeout=WAIT_S):
        until(lambda: self.faults or all(getattr(c, "done", False) for c in self.calls), "the gateway's script", timeout)
        self.check()

    def check(self):
        check(not self.faults, "in the gateway's script:\n" + "\n".join(self.faults))
        check(not self.strays, f"gateway got {[m.start for m in self.strays]} outside any call")

    def describe(self):
        lines = []
        for call in [*self.calls[:5], *self.dialled[:5]]:
            lines.append(f"---- gateway's call {call.id}")
            lines += [f"  {m.at:.3f} {m.start} ({m.get('CSeq')})" for m in call.log]
        return "\n".join(lines + self.faults)

    def close(self):
        self.stopping.set()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.close()
        for thread in self.threads:
            thread.join(1)
        self.socket.close()


class RawSip:
    """A socket that sends one request and reads answers: strangers, and questions outside any call."""

    def __init__(self, rig, source="127.0.0.1", port=0):
        self.rig = rig
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, port))
        self.source, self.port = self.socket.getsockname()

    def ask(self, method, sdp=None, timeout=WAIT_S):
        """Its final answer, or None."""
        to, branch, call_id = f"sip:600@127.0.0.1:{self.rig.sip_port}", "z9hG4bK" + tag(), tag()
        lines = [f"{method} {to} SIP/2.0", f"Via: SIP/2.0/UDP {self.source}:{self.port};branch={branch};rport", "Max-Forwards: 70",
                 f"From: <sip:x@{self.source}>;tag={tag()}", f"To: <{to}>", f"Call-ID: {call_id}", f"CSeq: 1 {method}",
                 f"Contact: <sip:x@{self.source}:{self.port}>"]
        self.socket.sendto(Call.finish(lines, sdp), ("127.0.0.1", self.rig.sip_port))
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                answer = Message(self.socket.recv(65535))
            except TimeoutError:
                break
            if answer.status and answer.status >= 200 and answer.get("Call-ID") == call_id:
                if method == "INVITE":   # or it would be repeated
                    lines[0], lines[4], lines[6] = lines[0].replace(method, "ACK", 1), f"To: {answer.get('To')}", "CSeq: 1 ACK"
                    self.socket.sendto(Call.finish(lines, None), ("127.0.0.1", self.rig.sip_port))
                return answer
        return None

    def close(self):
        self.socket.close()
