"""What the stories about dialogs share: gateways that keep session timers, and what WhatsApp must not notice."""
import re

from harness import check, equal, expect_record, until
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


def one_call(rig, script, talk_ms=0, gateway=None, **expected):
    """A call whose gateway follows the script. Meta hears of nothing but its beginning and its end."""
    w = rig.watrunk(gateways=[rig.gateway(**(gateway or {}))])
    peer = rig.add(SipPeer(rig, lambda call: script(call, w)))
    meta, = rig.metasim(talk_ms=talk_ms).report()
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, **(expected or {"status": "completed", "cause": "normal", "answered_ms": bool}))
    undisturbed(meta, w)
    return w, meta, record


def undisturbed(meta, w, calls=1):
    """metasim holds a change of SSRC, sequence or time stamps for a violation."""
    equal(meta["violations"], [], "violations")
    check(meta["rx_lost"] == 0, f"{meta['rx_lost']} packets missing in the stream toward WhatsApp")
    check(w.counters()["graph_requests"] <= 3 * calls, "more requests to Meta than pre_accept, accept and terminate")
