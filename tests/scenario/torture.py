"""The torture messages of RFC 4475 (tests/torture), as they are and mutated, sent to the running program: none crashes it, each
gets what the RFC calls for. Where the SIP library answers otherwise, and nothing above it can help, the table says both."""
import random
import re

from harness import check, equal, expect_record, main, until
from sip_peer import RawSip, SipPeer
from torture_wire import NAMES, Sender, fill, gather, mutate, template

# The dialplan refuses whoever dials, with 486: that answer shows that an INVITE was taken for a whole one.
RULES = [{"name": "in", "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]},
         {"name": "out", "match": {"direction": "outbound"}, "actions": [{"reject": {"cause": "busy"}}]}]
TAKEN = {486}
REGISTER = {401, 403, 404, 405}      # the registrar's usual answer to a stranger, or 405 without a registrar
UNKNOWN_METHOD = {501, 405}
SILENCE = set()
WAITS = {"waits"}                    # on a stream: for the rest of the message


class Row:
    """rfc: what it calls for. tcp: on a stream, where that differs. actual, actual_tcp and why: what the library does instead.
    without: also sent without this text, and then `then` is called for. on_stream: how many requests it is there."""

    def __init__(self, rfc, tcp=None, actual=None, actual_tcp=None, why=None, without=None, then=None, on_stream=1):
        self.requests = {"udp": 1, "tcp": on_stream}
        self.rfc, self.tcp, self.why, self.without, self.then = rfc, tcp, why, without or {}, then
        self.actual = {"udp": actual, "tcp": actual if actual_tcp is None else actual_tcp}

    def allowed(self, transport):
        """(which answers, how many)"""
        answers = self.tcp if transport == "tcp" and self.tcp is not None else self.rfc
        if self.why:
            answers = self.actual[transport]
        return answers, self.requests[transport] if answers else 0


TABLE = {
    # its To has a tag, and there is no such dialog (RFC 3261 s12.2.2)
    "3.1.1.01-wsinv": Row({481}, without={b";   tag    = 1918181833n-": b""}, then=TAKEN),
    "3.1.1.02-intmeth": Row(UNKNOWN_METHOD, actual={400}, actual_tcp=SILENCE,
                            why="in a method the library knows no + and `, and a NUL ends its string: a header is broken, on a stream the message",
                            without={b"+`": b"", b"\x00": b""}, then=UNKNOWN_METHOD),
    "3.1.1.03-esc01": Row(TAKEN),
    "3.1.1.04-escnull": Row(REGISTER),
    "3.1.1.05-esc02": Row(UNKNOWN_METHOD),
    "3.1.1.06-lwsdisp": Row({200}),
    "3.1.1.07-longreq": Row(TAKEN),
    "3.1.1.08-dblreq": Row(REGISTER, tcp=REGISTER | TAKEN, on_stream=2),
    "3.1.1.09-semiuri": Row({200}),
    "3.1.1.10-transports": Row({200}),
    "3.1.1.11-mpart01": Row(UNKNOWN_METHOD),
    "3.1.1.12-unreason": Row(SILENCE),
    "3.1.1.13-noreason": Row(SILENCE),
    "3.1.2.01-badinv01": Row({400}, actual=SILENCE,
                             why="the topmost Via, which tells where answers go, is the broken one: the library sends no 400"),
    "3.1.2.02-clerr": Row({400}, tcp=WAITS),
    "3.1.2.03-ncl": Row({400}),
    "3.1.2.04-scalar02": Row({400}),
    "3.1.2.05-scalarlg": Row(SILENCE),
    "3.1.2.06-quotbal": Row({400}),
    "3.1.2.07-ltgtruri": Row({400} | TAKEN),
    "3.1.2.08-lwsruri": Row({400}, actual=SILENCE,
                            why="'lr SIP/2.0' is no version: the library drops what does not begin as SIP"),
    "3.1.2.09-lwsstart": Row({400} | TAKEN),
    "3.1.2.10-trws": Row({400, 200}),
    "3.1.2.11-escruri": Row({400} | TAKEN),
    "3.1.2.12-baddate": Row({400} | TAKEN),
    "3.1.2.13-regbadct": Row({400} | REGISTER),
    "3.1.2.14-badaspec": Row({400, 200}),
    "3.1.2.15-baddn": Row({400, 200}),
    "3.1.2.16-badvers": Row({505}),
    "3.1.2.17-mismatch01": Row({400}),
    "3.1.2.18-mismatch02": Row({501, 400}),
    "3.1.2.19-bigcode": Row(SILENCE),
    "3.2.1-badbranch": Row({400, 200}),
    "3.3.01-insuf": Row({400}),
    "3.3.02-unkscm": Row({416}),
    "3.3.03-novelsc": Row({416}),
    "3.3.04-unksm2": Row({400} | REGISTER),                      # 400 is the registrar's
    "3.3.05-bext01": Row({420}),
    "3.3.06-invut": Row({415}),
    "3.3.07-regaut01": Row(REGISTER),
    "3.3.08-multi01": Row({400}),
    "3.3.09-mcl01": Row({400}),
    "3.3.10-bcast": Row(SILENCE),
    "3.3.11-zeromf": Row({200}),
    "3.3.12-cparam01": Row(REGISTER),
    "3.3.13-cparam02": Row(REGISTER),
    "3.3.14-regescrt": Row(REGISTER),
    "3.3.15-sdp01": Row({406}),
    "3.4.1-inv2543": Row(TAKEN, tcp={400}),                      # on a stream Content-Length is a must (RFC 3261 s20.14)
}
# What else an answer must have in it.
HEADERS = {"3.3.05-bext01": ("Unsupported", "nothingSupportsThis, *nothingSupportsThisEither$"), "3.3.06-invut": ("Accept", "application/sdp")}
SEED, DATAGRAMS, STREAMS, BATCH = 4475, 4000, 300, 60


def running(rig):
    def gateway(call):
        call.answer()
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, gateway))
    return rig.watrunk(dialplan=RULES), peer


def alive(rig, w, why):
    check(w.popen.poll() is None, f"watrunk ended {why}")
    stranger = RawSip(rig)
    answer = stranger.ask("OPTIONS")
    stranger.close()
    equal(answer and answer.status, 200, f"answer to OPTIONS {why}")


def afterwards(rig, w, peer):
    """An ordinary call; rig.finish() asks for the gauges."""
    rig.metasim(talk_ms=100).report()
    peer.wait_done()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal")


def judge(sender, allowed, count):
    got = sender.finals() or ([] if allowed != WAITS else ["closed" if sender.closed else "waits"])
    right = len(got) == count and set(got) <= allowed
    answer = sender.final()
    if right and sender.name in HEADERS:
        name, pattern = HEADERS[sender.name]
        right = bool(re.search(pattern, answer.get(name) or ""))
    return None if right else f"{sender.transport} {sender.name}: {sender.finals()}{' closed' if sender.closed else ''}, called for {allowed or 'silence'}"


def send_all(rig, w, transport):
    wanted = [(Sender(n, template(n), transport, rig.sip_port), *TABLE[n].allowed(transport)) for n in NAMES]
    for name, row in TABLE.items():
        if row.then:
            text = template(name)
            for old, new in row.without.items():
                check(old in text, f"{name} has no {old!r}")
                text = text.replace(old, new)
            wanted.append((Sender(name, text, transport, rig.sip_port), row.then, 1))
    senders = [s for s, _, _ in wanted]
    gather(senders, lambda: all(len(s.finals()) >= count for s, allowed, count in wanted if allowed != WAITS), 10)
    alive(rig, w, f"after the torture over {transport}")     # who is silent so far has decided so
    gather(senders, lambda: False, 0.1)
    faults = [judge(*w) for w in wanted]
    for sender in senders:
        sender.close()
    return [f for f in faults if f]


def story_messages(rig):
    equal(sorted(TABLE), NAMES, "rows of the table and files")
    check(all(bool(r.why) == (r.actual["udp"] is not None) for r in TABLE.values()), "a row without its reason")
    w, peer = running(rig)
    faults = send_all(rig, w, "udp") + send_all(rig, w, "tcp")
    check(not faults, "\n  " + "\n  ".join(faults))
    # addressed as in the RFC, to hosts that are not us
    senders = [Sender(n, template(n).replace(b"@US@", b"example.com").replace(b"@ME@", b"host.example.com:9"), "udp", rig.sip_port) for n in NAMES]
    alive(rig, w, "after messages to others")
    for sender in senders:
        sender.close()
    afterwards(rig, w, peer)


def story_mutations(rig):
    w, peer = running(rig)
    alive(rig, w, "at the start")
    before = w.fds()
    dice, texts = random.Random(SEED), [template(n) for n in NAMES]
    us, stranger = f"127.0.0.1:{rig.sip_port}", RawSip(rig)
    for k in range(DATAGRAMS):
        text = mutate(dice, fill(dice.choice(texts), us, f"127.0.0.1:{stranger.port}", "udp", f"m{k}"), texts)
        stranger.socket.sendto(text[:65000], ("127.0.0.1", rig.sip_port))
        if k % BATCH == BATCH - 1:
            alive(rig, w, f"after mutation {k} of seed {SEED}")
    stranger.close()
    for first in range(0, STREAMS, BATCH):
        senders = [Sender("", dice.choice(texts), "tcp", rig.sip_port, change=lambda filled: mutate(dice, filled, texts))
                   for _ in range(min(BATCH, STREAMS - first))]
        alive(rig, w, f"after mutations on streams from {first} of seed {SEED}")
        for sender in senders:
            sender.close()
    until(lambda: w.fds() <= before, f"connections to be closed: {w.fds()}, {before} before")
    afterwards(rig, w, peer)


if __name__ == "__main__":
    main()
