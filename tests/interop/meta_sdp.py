"""Meta's session description as its Calling API sends it, and what it demands of ours."""

import dataclasses
import re
import secrets
import time
from typing import List

OPUS_PT = 111
DTMF_PT = 126

# The order and the wording of every line are Meta's. ice-lite stands at session level, all else in the media section.
DESCRIPTION = """\
v=0
o=- {session} 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {mid}
a=msid-semantic: WMS {stream}
a=ice-lite
m=audio {port} UDP/TLS/RTP/SAVPF 111 126
c=IN IP4 {host}
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:{foundation4} 1 udp 2122260223 {host} {port} typ host generation 0 network-cost 50
a=candidate:{foundation6} 1 udp 2122262783 2001:db8:20::1 {port} typ host generation 0 network-cost 50
a=ice-ufrag:{ufrag}
a=ice-pwd:{pwd}
a=fingerprint:sha-256 {fingerprint}
a=setup:{setup}
a=mid:{mid}
a=sendrecv
a=msid:{stream} WhatsAppTrack1
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1
a=rtpmap:126 telephone-event/8000
a=maxptime:20
a=ptime:20
a=ssrc:{ssrc} cname:WhatsAppAudioStream1
"""


def make_sdp(host, port, ufrag, pwd, fingerprint, ssrc, setup="actpass", mid="audio"):
    """Meta's offer; with another setup, and the mid that was offered, its answer, which has the same lines."""
    text = DESCRIPTION.format(
        session=int(time.time() * 1000),
        stream="11111111-2222-4333-8444-%012x" % secrets.randbits(48),
        host=host,
        port=port,
        foundation4=1111111111,
        foundation6=2222222222,
        ufrag=ufrag,
        pwd=pwd,
        fingerprint=fingerprint,
        ssrc=ssrc,
        setup=setup,
        mid=mid,
    )
    return text.replace("\n", "\r\n")


@dataclasses.dataclass
class Answer:
    """What is taken from the business's description, be it answer or offer."""

    ufrag: str = ""
    pwd: str = ""
    fingerprint: str = ""
    candidates: List[str] = dataclasses.field(default_factory=list)
    ssrcs: List[int] = dataclasses.field(default_factory=list)
    payload_types: List[int] = dataclasses.field(default_factory=list)
    setup: str = ""
    mid: str = ""


def _attributes(lines, name):
    """Values of every a=NAME or a=NAME:value line, at either level."""
    values = []
    for line in lines:
        if line == "a=" + name:
            values.append("")
        elif line.startswith("a=%s:" % name):
            values.append(line[len(name) + 3 :])
    return values


def _check_media_line(lines, answer, wrong):
    media = [line for line in lines if line.startswith("m=")]
    if len(media) != 1:
        wrong("%d m= lines, expected one" % len(media))
        return
    match = re.fullmatch(r"m=audio (\d+) UDP/TLS/RTP/SAVPF((?: \d+)+)", media[0])
    if not match:
        wrong("media line is %r" % media[0])
        return
    answer.payload_types = [int(pt) for pt in match.group(2).split()]
    if OPUS_PT not in answer.payload_types:
        wrong("payload type 111 is missing: %r" % media[0])
    if set(answer.payload_types) - {OPUS_PT, DTMF_PT}:
        wrong("payload types that were not offered: %r" % media[0])
    maps = dict(v.split(" ", 1) for v in _attributes(lines, "rtpmap") if " " in v)
    if maps.get("111", "").lower() != "opus/48000/2":
        wrong("rtpmap of 111 is %r" % maps.get("111"))
    if DTMF_PT in answer.payload_types and maps.get("126", "").lower() != "telephone-event/8000":
        wrong("rtpmap of 126 is %r" % maps.get("126"))


def _check_ice(lines, answer, wrong):
    for name, least in (("ice-ufrag", 4), ("ice-pwd", 22)):
        values = _attributes(lines, name)
        if len(values) != 1 or not re.fullmatch(r"[A-Za-z0-9+/]{%d,256}" % least, values[0]):
            wrong("a=%s: one of at least %d ice-chars expected (RFC 8839 5.4)" % (name, least))
        elif name == "ice-ufrag":
            answer.ufrag = values[0]
        else:
            answer.pwd = values[0]
    if _attributes(lines, "ice-lite"):
        wrong("a=ice-lite from the business: both sides would wait")
    answer.candidates = _attributes(lines, "candidate")
    for candidate in answer.candidates:
        if not re.match(r"\S+ 1 udp \d+ [0-9a-fA-F.:]+ \d+ typ host", candidate, re.I):
            wrong("candidate %r" % candidate)


def _check_dtls(lines, answer, wrong):
    fingerprints = _attributes(lines, "fingerprint")
    if len(fingerprints) != 1:
        wrong("%d fingerprints, expected one" % len(fingerprints))
    for value in fingerprints:
        match = re.fullmatch(r"sha-256 ((?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})", value, re.I)
        if not match:
            wrong("fingerprint is not a SHA-256 one")
        else:
            answer.fingerprint = match.group(1)
    setup = _attributes(lines, "setup")
    answer.setup = setup[0] if len(setup) == 1 else ""


def _check_form(lines, answer, wrong):
    mid = _attributes(lines, "mid")
    answer.mid = mid[0] if len(mid) == 1 else ""
    if not _attributes(lines, "rtcp-mux"):
        wrong("no a=rtcp-mux")
    if _attributes(lines, "ptime") != ["20"]:
        wrong("no a=ptime:20")
    if _attributes(lines, "extmap"):
        wrong("a=extmap: Meta has no use for one")
    if any(_attributes(lines, d) for d in ("sendonly", "recvonly", "inactive")):
        wrong("the direction is not sendrecv")
    answer.ssrcs = sorted({int(v.split()[0]) for v in _attributes(lines, "ssrc") if v.split()[0].isdigit()})
    if len(answer.ssrcs) > 1:
        wrong("%d SSRCs, one for the whole call expected" % len(answer.ssrcs))


def _check_description(text):
    faults, answer = [], Answer()
    if not text.endswith("\r\n") or re.search(r"(?<!\r)\n|\r(?!\n)", text):
        faults.append("line ends are not CRLF throughout")
    if not text.isascii() or "\\r\\n" in text:
        faults.append("not plain text: escaped twice, or not ASCII")
    lines = [line for line in re.split(r"\r?\n", text) if line]
    if [line[:2] for line in lines[:4]] != ["v=", "o=", "s=", "t="] or any(not re.match(r"[a-z]=", x) for x in lines):
        faults.append("not a session description (RFC 8866 5)")
    for check in (_check_media_line, _check_ice, _check_dtls, _check_form):
        check(lines, answer, faults.append)
    return answer, faults


def check_answer(text):
    """(Answer, faults): everything Meta's documentation and practice demand of an answer."""
    answer, faults = _check_description(text)
    if answer.setup != "active":
        faults.append("a=setup is %r, expected active" % answer.setup)
    if answer.mid != "audio":
        faults.append("a=mid is not the offer's")
    return answer, faults


def check_offer(text):
    """The same of the offer of a call by the business."""
    offer, faults = _check_description(text)
    if offer.setup not in ("actpass", "active"):
        faults.append("a=setup is %r, expected actpass or active" % offer.setup)
    if not offer.mid:
        faults.append("no a=mid")
    return offer, faults
