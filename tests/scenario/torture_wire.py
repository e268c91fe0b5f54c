"""Messages of tests/torture on the wire: filled in, sent over UDP or TCP, their answers gathered; and mutations of them.

A file: lines that begin with "# " (section, what it is, what the RFC calls for), then the message with LF for CRLF, \\xNN for
a byte, and
    @US@ the listener   @ME@ the sender   @TP@ UDP or TCP   @ID@ unique   @CL@ the length of what follows the next empty line
    @LONG:n:words@ words, n times
"""
import contextlib
import pathlib
import re
import select
import socket
import time

from sip_peer import Message, tag

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "torture"
NAMES = sorted(p.stem for p in FOLDER.glob("*.sip"))


def template(name):
    text = (FOLDER / f"{name}.sip").read_bytes()
    while text.startswith(b"# "):
        text = text.partition(b"\n")[2]
    text = text.replace(b"\n", b"\r\n")
    text = re.sub(rb"@LONG:(\d+):([^@]*)@", lambda m: m.group(2) * int(m.group(1)), text)
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), text)


def fill(text, us, me, transport, unique=None):
    for key, value in (("US", us), ("ME", me), ("TP", transport.upper()), ("ID", unique or tag())):
        text = text.replace(f"@{key}@".encode(), value.encode())
    while b"@CL@" in text:
        at = text.rindex(b"@CL@")
        length = len(text) - text.index(b"\r\n\r\n", at) - 4
        text = text[:at] + str(length).encode() + text[at + 4:]
    return text


def ack(answer, us):
    """For a final answer to an INVITE, out of what it copied from the request; None where it copied too little."""
    copied = [answer.get(n) for n in ("Via", "From", "To", "Call-ID", "CSeq")]
    if None in copied:
        return None
    via, sender, to, call, cseq = copied
    return (f"ACK sip:{us} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {sender}\r\nTo: {to}\r\nCall-ID: {call}\r\n"
            f"CSeq: {cseq.split()[0]} ACK\r\nContent-Length: 0\r\n\r\n").encode()


class Sender:
    """One message on a socket of its own, and what came back there."""

    def __init__(self, name, text, transport, port, change=lambda filled: filled):
        self.name, self.transport, self.us = name, transport, f"127.0.0.1:{port}"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
        self.socket.connect(("127.0.0.1", port))
        self.me = "%s:%d" % self.socket.getsockname()
        self.data, self.answers, self.closed = b"", [], False
        self.socket.sendall(change(fill(text, self.us, self.me, transport)))

    def read(self):
        try:
            more = self.socket.recv(65535)
        except ConnectionError:
            more = b""
        if self.transport == "udp":
            self.take(more)
            return
        self.closed = not more
        self.data = (self.data + more).lstrip(b"\r\n")
        while b"\r\n\r\n" in self.data:
            head, _, rest = self.data.partition(b"\r\n\r\n")
            match = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
            length = int(match.group(1)) if match else 0
            if len(rest) < length:
                return
            self.take(head + b"\r\n\r\n" + rest[:length])
            self.data = rest[length:].lstrip(b"\r\n")

    def take(self, data):
        message = Message(data)
        self.answers.append(message)
        if message.status and message.status >= 200 and (message.get("CSeq") or "").endswith("INVITE"):
            with contextlib.suppress(OSError):
                self.socket.sendall(ack(message, self.us) or b"\r\n\r\n")

    def finals(self):
        """Codes of final answers, in order, a repeated one once; a request that came is told by its method."""
        codes = []
        for m in self.answers:
            code = m.status or m.method
            if not (m.status and m.status < 200) and (not codes or codes[-1] != code):
                codes.append(code)
        return codes

    def final(self):
        return next((m for m in self.answers if m.status and m.status >= 200), None)

    def close(self):
        self.socket.close()


def gather(senders, done, timeout):
    """Read from all until done() or the time is over."""
    deadline = time.monotonic() + timeout
    while not done() and time.monotonic() < deadline:
        ready, _, _ = select.select([s.socket for s in senders if not s.closed], [], [], 0.05)
        for sender in senders:
            if sender.socket in ready:
                sender.read()


# ---- mutations ----

ODD = (b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b";", b",", b"<", b">", b'"', b"\\", b"%", b"%00", b":", b"@", b"=", b"\xff", b"\xc0\x80",
       b"-1", b"4294967296", b"99999999999999999999", b"A" * 3000, b"%s%n", b"SIP/2.0 200 OK\r\n", b"Via: SIP/2.0/UDP x\r\n", b"Content-Length: 1\r\n")


def cut(dice, text):
    a = dice.randrange(len(text) + 1)
    return a, min(len(text), a + dice.choice((1, 2, 5, 40, 300)))


def mutate(dice, text, others):
    """One to four changes: octets flipped, odd ones put in, stretches lost, doubled or taken from another message, lines moved."""
    for _ in range(dice.randint(1, 4)):
        a, b = cut(dice, text)
        kind = dice.randrange(7)
        if kind == 0:
            text = text[:a] + bytes(c ^ 1 << dice.randrange(8) for c in text[a:a + 1]) + text[a + 1:]
        elif kind == 1:
            text = text[:a] + dice.choice(ODD) + text[a:]
        elif kind == 2:
            text = text[:a] + text[b:]
        elif kind == 3:
            text = text[:b] + text[a:b] * dice.choice((1, 2, 30)) + text[b:]
        elif kind == 4:
            other = dice.choice(others)
            c, d = cut(dice, other)
            text = text[:a] + other[c:d] + text[b:]
        elif kind == 5:
            lines = text.split(b"\r\n")
            k = dice.randrange(len(lines))
            lines.insert(dice.randrange(len(lines)), lines.pop(k))
            text = b"\r\n".join(lines)
        else:
            numbers = list(re.finditer(rb"\d+", text))
            if numbers:
                at = dice.choice(numbers)
                text = text[:at.start()] + dice.choice((b"0", b"-1", b"2147483648", b"4294967295", b"18446744073709551616")) + text[at.end():]
    return text
