"""What the stories about media faults share."""
import time

from harness import EVENT_WAIT_S, check, equal, expect_record, until
from sip_peer import SipPeer

OPUS_PT = 96


def sdp(port, media, version=1, host="127.0.0.1"):
    """media: the lines from m= on, with {port} where its port goes."""
    head = ["v=0", f"o=pbx 7 {version} IN IP4 127.0.0.1", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    return "\r\n".join([*head, *(line.format(port=port) for line in media)]) + "\r\n"


def media_port(call):
    if not call.media:
        call.sdp()      # makes it
    return call.media.port


def answer(call, *media, pt=0, speak=True):
    """200 with just these lines."""
    call.reply(200, sdp=sdp(media_port(call), media))
    if speak:
        call.media.start(call.remote_rtp(), pt)
    return call.expect("ACK")


def reinvite(call, *media):
    """The answer to it; ACKed."""
    call.sdp_version += 1
    reply = call.request("INVITE", sdp=sdp(media_port(call), media, call.sdp_version))
    if reply.status < 300:
        call.ack(reply)
    else:       # RFC 3261 s17.1.1.3: within the same transaction
        call.send(call.finish(call.request_lines("ACK", reply.branch, reply.get("CSeq").split()[0]), None))
    return reply


def heard(call, pt=None, count=25):
    since = time.monotonic()
    until(lambda: len(call.media.audio(pt, since)) >= count, f"{count} packets of audio", EVENT_WAIT_S)
    return call.media.audio(pt, since)


def one_call(rig, script, config=None, hear=True, **record):
    """One call of a user, whose story at the gateway is script(call, w, sim): it begins ringing and ends with a BYE."""
    w = rig.watrunk(**(config or {}))
    sim = None

    def told(call):
        call.reply(180)
        until(lambda: sim, "metasim to be at hand")     # its user calls as soon as it runs
        script(call, w, sim)
    peer = rig.add(SipPeer(rig, told))
    sim = rig.metasim(users=[rig.user(steps=[{"call": True}])], hear=str(rig.dir / "heard.wav")) if hear else rig.metasim()
    peer.wait_calls()
    peer.wait_done(60)
    found = w.wait_records(1)[0]
    expect_record(found, **{"status": "completed", "cause": "normal", "ended_by": "sip", **record})
    meta, = sim.report()
    equal(meta["rx_lost"], 0, "packets missing in the stream toward WhatsApp")
    return found, meta, peer


def check_one_line(packets, step):
    """One SSRC, every sequence number, timestamps in steps of a packet."""
    equal(len({p[4] for p in packets}), 1, "SSRCs toward the gateway")
    check(all((b[2] - a[2]) & 0xFFFF == 1 for a, b in zip(packets, packets[1:])), "a hole in the sequence")
    check(all((b[3] - a[3]) % step == 0 for a, b in zip(packets, packets[1:])), f"timestamps not in steps of {step}")
