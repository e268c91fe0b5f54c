"""A telephone that registers with watrunk, and is called there: SipPeer with the client's side of digest."""
import contextlib
import hashlib
import queue
import re
import secrets
import socket

from harness import Failure, WAIT_S, equal
from sip_peer import Call, Message, SipPeer, tag


def hashed(algorithm, text):
    return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm], text.encode()).hexdigest()


def challenges(answer):
    """Parameters of each challenge of a 401 or 407."""
    values = answer.all("WWW-Authenticate") + answer.all("Proxy-Authenticate")
    return [{k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^\s,]+)', value)} for value in values]


def authorization(challenge, method, uri, user, password, nc=1):
    algorithm, cnonce, count = challenge.get("algorithm", "MD5"), secrets.token_hex(4), f"{nc:08x}"
    ha1 = hashed(algorithm, f"{user}:{challenge['realm']}:{password}")
    ha2 = hashed(algorithm, f"{method}:{uri}")
    response = hashed(algorithm, f"{ha1}:{challenge['nonce']}:{count}:{cnonce}:auth:{ha2}")
    return (f'Authorization: Digest username="{user}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm={algorithm}, qop=auth, nc={count}, cnonce="{cnonce}"')


class Phone(SipPeer):
    """contact: the URI it registers; default: where it can be called. Over TCP it listens nowhere: it has its connection alone."""

    def __init__(self, rig, script, user="desk1", password="s3cret", transport="udp", contact=None, source="127.0.0.1"):
        self.user, self.password, self.answers, self.source = user, password, queue.Queue(), source
        self.register_id, self.register_cseq = tag(), 0
        super().__init__(rig, script, transport=transport, port=rig.ports.one())
        if transport == "tcp":
            self.connection = socket.create_connection(("127.0.0.1", rig.sip_port), WAIT_S)
            self.connection.settimeout(None)
            self.connections.append(self.connection)
            self.start(self.listen_tcp, self.connection)
        self.uri = contact or f"sip:{user}@{source}:{self.port}"
        self.contact = f"<{self.uri}>"

    def close(self):
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().close()

    def dispatch(self, message, send):
        if message.status and message.get("Call-ID") == self.register_id:
            self.answers.put(message)
        else:
            super().dispatch(message, send)

    def send(self, data):
        if self.transport == "tcp":
            self.connection.sendall(data)
        else:
            self.socket.sendto(data, ("127.0.0.1", self.rig.sip_port))

    def register_once(self, contacts, headers=(), to=None, cseq=None):
        if cseq is None:
            self.register_cseq += 1
            cseq = self.register_cseq
        uri = f"sip:127.0.0.1:{self.rig.sip_port}"
        lines = [f"REGISTER {uri} SIP/2.0",
                 f"Via: SIP/2.0/{self.transport.upper()} 127.0.0.1:{self.port};branch=z9hG4bK{tag()};rport", "Max-Forwards: 70",
                 f"From: <sip:{self.user}@trunk.example>;tag={tag()}", f"To: <sip:{to or self.user}@trunk.example>",
                 f"Call-ID: {self.register_id}", f"CSeq: {cseq} REGISTER", "User-Agent: a phone",
                 *[f"Contact: {c}" for c in contacts], *headers]
        self.send(Call.finish(lines, None))
        while True:
            try:
                answer = self.answers.get(timeout=WAIT_S)
            except queue.Empty:
                raise Failure("phone: no answer to REGISTER") from None
            if answer.status >= 200 and answer.get("CSeq") == f"{cseq} REGISTER":
                return answer

    def register(self, contacts=None, headers=(), to=None, cseq=None, password=None, user=None, expires=None):
        """The answer to a REGISTER that is proved; contacts None: its own."""
        contacts = [f"<{self.uri}>"] if contacts is None else contacts
        headers = [*headers, *([f"Expires: {expires}"] if expires is not None else [])]
        answer = self.register_once(contacts, headers, to)
        equal(answer.status, 401, "REGISTER without proof")
        uri = f"sip:127.0.0.1:{self.rig.sip_port}"
        proof = authorization(challenges(answer)[0], "REGISTER", uri, user or self.user, password or self.password)
        return self.register_once(contacts, [*headers, proof], to, cseq)


def bound(answer):
    """URIs and lifetimes of a 200 to REGISTER."""
    found = {}
    for value in answer.all("Contact"):
        for uri, expires in re.findall(r"<([^>]*)>[^,]*?;expires=(\d+)", value):
            found[uri] = int(expires)
    return found


__all__ = ["Phone", "Message", "authorization", "bound", "challenges"]
