"""What the stories about dialogs share: gateways that keep session timers, and what WhatsApp must not notice."""
import re

from harness import NUMBER, check, equal, expect_record, until
from sip_peer import SipPeer

ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"
TIMER = "Supported: timer"


def answer(call, *headers, code=200):
    """Pick up with these headers, and speak."""
    call.reply(code, sdp=call.sdp(), headers=headers)
    call.media.start(call.remote_rtp(), 0)
    return call.expect("ACK")


def heard(call, since=0.0, count=10, pt=None):
    until(lambda: len(call.media.audio(pt=pt, since=since)) >= count, f"{count} packets at the gateway")


def expires(message):
    """("1800", "uac") of a Session-Expires header; None: there is none."""
    value = message.get("Session-Expires")
    if value is None:
        return None
    match = re.fullmatch(r"(\d+)\s*(?:;\s*refresher=(\w+))?", value)
    return match.group(1), match.group(2)


def origin(message):
    line, = message.sdp_line("o=")
    return line


def same_sdp(message, before):
    """The very text: a refresh changes nothing, and says so (RFC 3264 s8, RFC 4028 s7.4)."""
    equal(message.body, before, "SDP of a refresh")


def refresh(call, method, *headers):
    """The peer refreshes; returns the 200, which repeats our SDP."""
    sdp = None
    if method == "INVITE":
        sdp = call.sdp()
        version = f"o=pbx 7 {call.sdp_version} "
        call.sdp_version -= 1
        sdp = sdp.replace(version, f"o=pbx 7 {call.sdp_version} ")
    reply = call.request(method, sdp=sdp, headers=headers)
    if method == "INVITE":
        call.ack(reply)
    return reply


ENDED_WELL = {"status": "completed", "cause": "normal", "answered_ms": bool}
PERMITTED = {"permission": "permanent", "window_open": True}


class Play:
    """One gateway, whose keys and whose part in a call these are; the record that comes of it."""

    def __init__(self, script, gateway=None, **record):
        self.script, self.gateway, self.record = script, gateway or {}, record or ENDED_WELL


def together(rig, *plays, timeout=40):
    """All at once, for most of them wait most of the time: each has a gateway and a user who calls it. Meta hears of nothing
    but the beginnings and the ends. In its script a gateway may say call.user_hangs_up()."""
    gateways, rules, users, sims = [], [], [], []
    peers = []
    for n, play in enumerate(plays):
        name, number, port = play.script.__name__, f"+4477009004{n:02}", rig.gateway_port if n == 0 else rig.ports.one()
        gateways.append({"name": name, "uri": f"sip:127.0.0.1:{port};transport=udp", **play.gateway})
        rules.append({"name": name, "match": {"from": f"^\\{number}$"}, "actions": [{"bridge": {"gateways": [name], "user": "600"}}]})
        users.append(number)

        def script(call, play=play, number=number):
            # Both talk before one hangs up: a call that Meta has not accepted yet has another record.
            def talking(then):
                until(lambda: sims, "metasim")[0].wait_user_event("audio_heard", user=number)
                return then

            bye = call.bye
            call.bye = lambda **how: talking(bye)(**how)
            call.user_hangs_up = lambda: talking(sims[0].act)(user=number, hang_up=True)
            play.script(call)
        peers.append(SipPeer(rig, script, port=port))
    w = rig.watrunk(gateways=gateways, dialplan=rules)
    for peer in peers:
        rig.add(peer)
    sims.append(rig.metasim(users=[rig.user(number=u, steps=[{"call": True}]) for u in users]))
    records = {r["user_number"]: r for r in w.wait_records(len(plays), timeout)}
    for peer in peers:
        peer.wait_done()
    for play, number in zip(plays, users):
        try:
            expect_record(records[number], **play.record)
        except AssertionError as fault:
            raise type(fault)(f"{play.script.__name__}: {fault}") from None
    metas = sims[0].report()
    equal(len(metas), len(plays), "calls at Meta")
    for meta in metas:
        undisturbed(meta)
    check(w.counters()["graph_requests"] <= 3 * len(plays), "more requests to Meta than pre_accept, accept and terminate")
    return w, records


def undisturbed(meta):
    """metasim holds a change of SSRC, sequence or time stamps for a violation."""
    equal(meta["violations"], [], "violations")
    check(meta["rx_lost"] == 0, f"{meta['rx_lost']} packets missing in the stream toward WhatsApp")


class Callers:
    """SIP callers who dial one user after another, all as one gateway with these keys. finish() holds the records against
    what was expected of each; a call that was refused before it began has none."""

    def __init__(self, rig, **gateway):
        self.users = [f"+4477009005{n:02}" for n in range(12)]
        self.sim = rig.metasim(users=[rig.user(number=u, permission="permanent", window_open=True) for u in self.users])
        rule = {"name": "out", "match": {"direction": "outbound"}, "actions": [{"whatsapp": {"number": NUMBER, "timeout": 20}}]}
        self.w = rig.watrunk(gateways=[rig.gateway(**gateway)], dialplan=[rule])
        self.peer = rig.add(SipPeer(rig, lambda call: check(False, "an INVITE to the gateway")))
        self.dialled = 0

    def dial(self, *headers, offer=True):
        call = self.peer.dial(self.users[self.dialled], headers=headers, offer=offer)
        call.user_hangs_up = lambda user=self.users[self.dialled]: self.sim.act(user=user, hang_up=True)
        self.dialled += 1
        return call

    def finish(self, *records):
        found = self.w.wait_records(len(records)) if records else self.w.records()
        self.sim.report()
        equal(len(found), len(records), "records")
        for record, wanted in zip(found, records):
            expect_record(record, **wanted)
