"""Webhook deliveries made by hand, where metasim would be too well-behaved."""
import time

from harness import NUMBER, NUMBER_ID, USER

SDP = ("v=0\r\no=- 7602563789789945080 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio\r\na=ice-lite\r\n"
       "m=audio 9 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 127.0.0.1\r\na=rtcp:9 IN IP4 0.0.0.0\r\n{candidates}"
       "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
       "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=setup:actpass\r\na=mid:audio\r\na=sendrecv\r\na=rtcp-mux\r\n"
       "a=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\na=ssrc:1 cname:x\r\n{more}")
CANDIDATE = "a=candidate:{n} 1 udp {p} 127.0.0.1 {port} typ host generation 0\r\n"


def sdp(candidates=1, more=""):
    lines = "".join(CANDIDATE.format(n=n, p=2113937151 - n, port=1 + n % 9) for n in range(candidates))
    return SDP.format(candidates=lines, more=more)


def connect(wacid, **changes):
    call = {"id": wacid, "from": USER.lstrip("+"), "to": NUMBER.lstrip("+"), "event": "connect", "timestamp": str(int(time.time())),
            "direction": "USER_INITIATED", "session": {"sdp_type": "offer", "sdp": sdp()}}
    return {**call, **changes}


def terminate(wacid):
    return {"id": wacid, "event": "terminate", "from": USER.lstrip("+"), "to": NUMBER.lstrip("+"), "timestamp": str(int(time.time())),
            "status": "COMPLETED"}


def delivery(*calls, number_id=NUMBER_ID, name="Ana"):
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": NUMBER.lstrip("+"), "phone_number_id": number_id},
             "contacts": [{"profile": {"name": name}, "wa_id": USER.lstrip("+")}], "calls": list(calls)}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "calls", "value": value}]}]}


def message(wamid, text="call me", sender=USER, number_id=NUMBER_ID, **changes):
    """One text of a user."""
    sender = sender.lstrip("+")
    item = {"from": sender, "id": wamid, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}, **changes}
    return messages([item], sender, number_id)


def messages(items, sender=USER, number_id=NUMBER_ID):
    sender = sender.lstrip("+")
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": NUMBER.lstrip("+"), "phone_number_id": number_id},
             "contacts": [{"profile": {"name": "Ana"}, "wa_id": sender}], "messages": items}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
