"""What Meta's webhooks may do wrong, and what strangers may send in their place."""
import socket
import time

from fake_graph import FakeGraph
from harness import (APP_SECRET, NUMBER_ID, USER_ID, VERIFY, WAIT_S, check, equal, expect_record, main, until)
from sip_peer import SipPeer


def answers(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def envelope(value, field="calls"):
    return {"object": "whatsapp_business_account", "entry": [{"id": "210000000000001", "changes": [{"field": field, "value": value}]}]}


def connect(wacid, number_id=NUMBER_ID, sdp=None, **item):
    call = {"id": wacid, "from": "447700900123", "to": "12025550123", "event": "connect", "timestamp": str(int(time.time())),
            "direction": "USER_INITIATED", **item}
    if sdp is not None:
        call["session"] = {"sdp_type": "offer", "sdp": sdp}
    return envelope({"messaging_product": "whatsapp", "metadata": {"display_phone_number": "12025550123", "phone_number_id": number_id},
                     "contacts": [{"profile": {"name": "Ana Example"}, "wa_id": "447700900123"}], "calls": [call]})


def works(rig, w, calls_before=0):
    """An ordinary call still goes through."""
    rig.metasim(talk_ms=300).report()
    record = w.wait_records(calls_before + 1)[-1]
    expect_record(record, status="completed", cause="normal", ended_by="user")


def story_everything_three_times(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=500, webhook={"duplicates": 2}).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user")
    until(lambda: w.counters()["webhook_posts"] == 6, "all six deliveries")
    counters = w.counters()
    # A terminate that finds the call still closing is the call's to ignore.
    equal(counters["webhook_duplicate"] + counters["call_events_ignored"], 4, "counted duplicates")
    equal(len(peer.calls), 1, "INVITEs")
    equal(len(w.records()), 1, "records")


def story_terminate_overtakes_connect(rig):
    w = rig.watrunk()

    def script(call):   # the order in which the two arrive is the network's: an INVITE may or may not have gone out
        call.reply(180)
        call.expect("CANCEL")
        call.reply(487)
        call.expect("ACK")
    rig.add(SipPeer(rig, script))
    sim = rig.metasim(calls=5, interval_ms=100, webhook={"terminate_first": True})
    sim.report()
    for record in w.wait_records(5):
        expect_record(record, status="cancelled", cause="cancelled", ended_by="user", answered_ms=None)
    equal(w.counters()["webhook_posts"], 10, "deliveries")


def story_connect_after_the_end(rig):
    """A retried connect of a call that is over rings nobody."""
    w = rig.watrunk()
    rig.add(FakeGraph(rig))
    peer = rig.add(SipPeer(rig, answers))
    gone = connect("wacid.GHOST")
    gone["entry"][0]["changes"][0]["value"]["calls"][0].update(event="terminate", status="COMPLETED")
    equal(rig.post_webhook(gone)[0], 200, "terminate")
    w.wait_event("webhook_terminate")
    equal(rig.post_webhook(connect("wacid.GHOST", sdp="v=0\r\n"))[0], 200, "connect")
    until(lambda: w.counters()["webhook_after_end"] == 1, "the late connect to be counted")
    record, = w.wait_records(1)
    expect_record(record, wacid="wacid.GHOST", status="cancelled", cause="cancelled", ended_by="user")
    equal(peer.calls, [], "INVITEs")


def story_terminate_only(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(webhook={"terminate_only": True}).report()
    record, = w.wait_records(1)
    expect_record(record, wacid=meta["wacid"], status="cancelled", cause="cancelled", ended_by="user", answered_ms=None)
    equal(peer.calls, [], "INVITEs")


def story_stale_offer(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(give_up_ms=500, webhook={"age_s": 120}).report()
    equal((meta["webhook_status"], meta["pre_accept_us"]), (200, None), "HTTP status, pre_accept")
    counters = w.counters()
    equal((counters["webhook_stale"], counters["calls_started"]), (1, 0), "counted: stale, begun")
    equal((peer.calls, w.records()), ([], []), "INVITEs, records")


def story_late_offer_still_good(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=300, webhook={"age_s": 20, "delay_ms": 300}).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal")


def story_no_phone_number(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=300, webhook={"no_identity": True}).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", user_number=None, user_id=USER_ID, user_name="Ana Example")
    invite = peer.calls[0].invite
    equal((invite.get("X-WA-User"), invite.get("X-WA-User-Id")), (None, USER_ID), "X-WA-User, X-WA-User-Id")
    check("anonymous" in invite.get("From").lower(), f"From of an unknown number: {invite.get('From')}")
    equal(invite.get("P-Asserted-Identity"), None, "P-Asserted-Identity")


def story_unknown_event_beside(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=300, webhook={"batched": True}).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal")
    equal(w.counters()["webhook_unknown_event"], 1, "unknown events counted")


def story_bad_signature(rig):
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(give_up_ms=400, webhook={"bad_signature": True}).report()
    equal((meta["webhook_status"], meta["pre_accept_us"]), (401, None), "HTTP status, pre_accept")
    body = connect("wacid.FORGED", sdp="v=0\r\n")
    for signature in ("", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=" + "0" * 63, "sha256=" + "zz" * 32):
        equal(rig.post_webhook(body, signature=signature)[0], 401, f"status for signature {signature[:12]!r}")
    equal(rig.post_webhook(body, secret=APP_SECRET + "x")[0], 401, "status for another secret")
    counters = w.counters()
    equal((counters["webhook_posts"], counters["calls_started"]), (0, 0), "counted: deliveries, calls")
    equal(counters["webhook_bad_signature"], 9, "counted: bad signatures")
    equal((peer.calls, w.records()), ([], []), "INVITEs, records")


def story_handshake(rig):
    rig.watrunk()
    ask = "/webhook?hub.mode=subscribe&hub.challenge=11582%2001444&hub.verify_token="
    equal(rig.http("GET", ask + VERIFY), (200, "11582 01444"), "answer to the handshake")
    equal(rig.http("GET", ask + "wrong")[0], 403, "a wrong token")
    equal(rig.http("GET", ask)[0], 403, "an empty token")
    equal(rig.http("GET", "/webhook?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=" + VERIFY)[0], 403, "another mode")
    equal(rig.http("GET", "/webhook")[0], 403, "no query")
    equal(rig.http("GET", "/other?hub.mode=subscribe")[0], 404, "another path")
    equal(rig.http("DELETE", "/webhook")[0], 405, "another method")
    equal(rig.watrunk_process.counters()["webhook_bad_verify"], 4, "counted: bad handshakes")


def story_bodies_that_are_not_what_they_should_be(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, answers))
    bad_json = [b"", b"not json", b"{", b"[1,2", b'{"object":', b"\x00\xff\xfe", b"[" * 100000, b'{"a":"\xc3\x28"}']
    for body in bad_json:
        equal(rig.post_webhook(body)[0], 400, f"status for {body[:12]!r}")
    equal(w.counters()["webhook_bad_json"], len(bad_json), "counted: bad JSON")
    odd = [envelope(None), envelope({}), envelope({"calls": [None, 7, "x", {}]}), envelope({"metadata": [], "calls": {}}),
           {"object": "whatsapp_business_account", "entry": [None, {"changes": [None, {"field": 7}]}]},
           connect("wacid.X", number_id="999"), connect("w" * 5000), connect("wacid.X", event=["connect"]),
           envelope({"statuses": [{"id": "wacid.S", "type": "call", "status": "RINGING"}]}),
           envelope({"messages": [{"from": "447700900123", "id": "wamid.1", "type": "text", "text": {"body": "hi"}}]}, field="messages")]
    for body in odd:
        check(rig.post_webhook(body)[0] in (200, 400), "status for an odd body")
    until(lambda: w.counters()["webhook_unknown_number"] == 3, "the unknown numbers to be counted")
    equal(w.counters()["calls_started"], 0, "calls begun")
    works(rig, w)


def story_more_than_meta_may_send(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, answers))
    body = b'{"x":"' + b"a" * (4 << 20) + b'"}'
    try:
        status = rig.post_webhook(body)[0]
    except (BrokenPipeError, ConnectionResetError):
        status = 413   # refused before we had sent it all
    equal(status, 413, "status for 4 MB")
    sockets = []
    for start in (b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc", b"GET /web", b"", b"\x16\x03\x01\x02\x00", b"x" * 70000):
        for _ in range(20):
            s = socket.create_connection(("127.0.0.1", rig.webhook_port), timeout=WAIT_S)
            s.sendall(start)
            sockets.append(s)
    works(rig, w)       # with a hundred half-open requests beside it
    for s in sockets:
        s.close()


def story_offers_that_cannot_be_used(rig):
    w = rig.watrunk()
    graph = rig.add(FakeGraph(rig))
    peer = rig.add(SipPeer(rig, answers))
    video = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 127.0.0.1\r\n"
    offers = [None, "", "hello", "v=0\r\n", video, "v=0\r\n" + "a=x\r\n" * 20000]
    for i, sdp in enumerate(offers):
        equal(rig.post_webhook(connect(f"wacid.BAD{i}", sdp=sdp))[0], 200, f"status for offer {i}")
        graph.wait("reject", f"wacid.BAD{i}")
        equal(graph.actions(f"wacid.BAD{i}"), ["reject"], f"what Meta was told about offer {i}")
    for record in w.wait_records(len(offers)):
        expect_record(record, status="failed", cause="bad_offer", ended_by="watrunk", answered_ms=None)
    equal(peer.calls, [], "INVITEs")


def story_numbers_with_their_own_secrets(rig):
    other = {"phone_number_id": "310000000000003", "number": "+12025550124", "token": "other-token", "app_secret": "other-secret"}
    w = rig.watrunk(numbers=[rig.number(), other, {**other, "phone_number_id": "310000000000004", "number": "+12025550125",
                                                   "enabled": False}])
    peer = rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=300).report()
    theirs = {"number_id": other["phone_number_id"], "number": other["number"].strip("+"), "app_secret": "other-secret", "token": "other-token"}
    rig.metasim(talk_ms=300, **theirs).report()
    disabled, = rig.metasim(**{**theirs, "number_id": "310000000000004", "number": "12025550125"}).report()
    equal(disabled["ended_by"], "business", "ended by, of the disabled number's call")
    check(disabled["reject_us"], "the disabled number's call was not rejected")
    first, second, third = w.wait_records(3)
    expect_record(first, number="+12025550123", number_id=NUMBER_ID, status="completed")
    expect_record(second, number="+12025550124", number_id="310000000000003", status="completed")
    expect_record(third, number="+12025550125", status="rejected", cause="not_allowed", ended_by="watrunk")
    equal([c.invite.get("X-WA-Number-Id") for c in peer.calls], [NUMBER_ID, "310000000000003"], "X-WA-Number-Id")


if __name__ == "__main__":
    main()
