#!/usr/bin/python3
"""What somebody may do wrong who is let in: a SIP peer at an allowed address, a client with the API's token, a webhook that is signed."""
import concurrent.futures
import http.client
import json
import random
import threading
import time

from deliveries import message, messages
from harness import ADMIN, NUMBER, USER, check, equal, main, until
from receiver import Receiver
from sip_peer import SipPeer

OUT = {"name": "out", "match": {"direction": "outbound"}, "actions": [{"whatsapp": {"number": NUMBER, "timeout": 20}}]}
IN = {"name": "all", "match": {"direction": "inbound"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]}
PERMITTED = {"permission": "permanent", "window_open": True}
QUIET = {"level": "info", "format": "json"}


def answers(call):
    call.reply(180)
    call.answer()
    call.expect("BYE", timeout=60)


class Tolerant(SipPeer):
    """Its scripts are cut short on purpose."""

    def check(self):
        pass


def setup(rig, *rules, script=answers, config=None, user=None, peer=Tolerant, **plan):
    sim = rig.metasim(users=[rig.user(**{**PERMITTED, **(user or {})})], **plan)
    w = rig.watrunk(dialplan=[*rules, OUT, IN], log=QUIET, **(config or {}))
    return w, rig.add(peer(rig, script)), sim


def quiet(w, timeout=40):
    until(lambda: not w.live(), "the end of all calls", timeout)
    w.check_idle(timeout, lingering=False)


# ---- SIP ----

def story_invites_and_cancels(rig):
    """150 INVITEs for one user and for strangers, each cancelled at another moment, some twice, some never answered with an ACK."""
    dice = random.Random(7)
    w, peer, sim = setup(rig, user={"on_call": "ignore"}, outbound={"connect_after_ms": 5}, graph={"connect": {"delay_ms": 15}})
    calls = []
    for n in range(150):
        user = USER if n % 3 else f"+4470000{n:05d}"
        call = peer.dial(user, offer=n % 7 != 0)
        calls.append(call)
        if n % 4 == 1:
            time.sleep(dice.random() * 0.04)
        if n % 5:
            call.cancel()
        if n % 10 == 3:
            call.cancel()
    equal(w.admin("GET", "/healthz")[0], 200, "status of /healthz")
    for call in calls:      # those that are left
        call.cancel()

    def final(call):
        return any(m.status and m.status >= 200 and m.cseq_method == "INVITE" for m in call.log)
    until(lambda: all(final(c) for c in calls), "a final answer to every INVITE", 60)
    quiet(w)
    sim.wait_user_event("connect_received")
    for call in sim.report(violations=(".",)):
        check(call["ended_us"], f"a call at Meta that nobody ended: {call}")


NASTY_TARGETS = ("sip:x@evil.example", "sip:x@127.0.0.1:1", "sip:", "tel:", "http://127.0.0.1/", "sips:1@127.0.0.1", "sip:600@trunk.example?Replaces=x",
                 "sip:600@trunk.example?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc", "sip:600@trunk.example?X-Evil=1", "sip:" + "9" * 3000 + "@trunk.example",
                 "sip:600@[::1]", "tel:" + "1" * 500, "sip:%00@trunk.example", "sip:600%0d%0aX@trunk.example", "*", "mailto:a@b", "sip:600@0.0.0.0",
                 "sip:600@255.255.255.255", "urn:service:sos", "sip:600@trunk.example:99999")


def story_refer_to_everything(rig):
    w, peer, sim = setup(rig, script=lambda call: (call.reply(180), call.answer()) if len(peer_calls) == 0 and peer_calls.append(call) is None
                         else (call.reply(486), call.expect("ACK")))
    sim.act(call=True)
    sim.wait_user_event("audio_heard")
    call = peer.wait_calls(1)
    for target in NASTY_TARGETS:
        answer = call.refer(target)
        check(answer.status == 202 or 400 <= answer.status < 700, f"{target[:60]}: {answer.start}")
        while answer.status == 202:      # it is tried, and told how it went
            notify = call.expect("NOTIFY", timeout=40)
            if "terminated" in notify.get("Subscription-State"):
                break
    for headers in ([], ["Refer-To: "], ["Refer-To: <"]):
        answer = call.request("REFER", headers=headers)
        check(400 <= answer.status < 700, f"{headers}: {answer.start}")
    equal([c["state"] for c in w.live()], ["up"], "the call")
    heard = len(call.media.audio())
    until(lambda: len(call.media.audio()) > heard + 10, "the pbx still hears the user")
    sim.act(hang_up=True)
    quiet(w)
    sim.whole_report()


peer_calls = []


def story_replaces_of_other_dialogs(rig):
    """What names no dialog, a wrong tag, or one that has ended: refused; and the call that is up goes on."""
    w, peer, sim = setup(rig, script=lambda call: (call.reply(180), call.answer()))
    sim.act(call=True)
    sim.wait_user_event("audio_heard")
    call = peer.wait_calls(1)
    ours = next(v for v in [call.invite.get("From")] if v).split("tag=")[1]
    wrong = (f"{call.id};to-tag=x;from-tag=y", f"{call.id};to-tag={call.tag}", f"{call.id}", f"nobody;to-tag={call.tag};from-tag={ours}",
             f"{call.id};to-tag={call.tag};from-tag={ours}x", f"{call.id};to-tag={ours};from-tag={call.tag}x", ";to-tag=;from-tag=", "\"", "a" * 3000,
             f"{call.id};to-tag={ours};from-tag={call.tag};early-only")
    for value in wrong:
        dialled = peer.dial(USER, headers=[f"Replaces: {value}"])
        answer = dialled.wait_response(*range(400, 700), timeout=20)
        check(answer.status != 500, f"{value[:60]}: {answer.start}")
    equal([c["state"] for c in w.live()], ["up"], "the call")
    sim.act(hang_up=True)
    call.expect("BYE")
    late = peer.dial(USER, headers=[f"Replaces: {call.id};to-tag={ours};from-tag={call.tag}"])
    late.wait_response(*range(400, 700), timeout=20)
    quiet(w)
    sim.whole_report()


def story_redirects_without_end(rig):
    """302 to itself, to others of its kind, to everything that is no place to call."""
    contacts = ["<sip:600@127.0.0.1:{port}>", "<sip:601@127.0.0.1:{port}>, <sip:602@127.0.0.1:{port}>", "<sip:x@evil.example>", "*", "<>", "<tel:>",
                "<sip:600@trunk.example>", "<sip:" + "9" * 2000 + "@127.0.0.1:{port}>"] + ["<sip:6%d@127.0.0.1:{port}>" % n for n in range(4)]
    seen = []

    def redirects(call):
        seen.append(call)
        contact = contacts[len(seen) % len(contacts)].format(port=rig.gateway_port)
        call.reply((302, 300, 305, 380)[len(seen) % 4], headers=[f"Contact: {contact}"])
    w, peer, sim = setup(rig, script=redirects)
    for _ in contacts:
        before = len(w.records())
        sim.act(call=True)
        until(lambda: len(w.records()) > before, "the record", 30)
        until(lambda: not w.live(), "the end of the call")
    check(len(seen) <= 10 * len(contacts), f"{len(seen)} INVITEs for {len(contacts)} calls")
    quiet(w)
    sim.whole_report()


# ---- webhooks ----

def reply(user, n, number_id=None, **how):
    item = {"from": user, "id": f"wamid.reply{n}", "timestamp": str(int(time.time())), "type": "interactive", "context": {"id": f"wamid.q{n}"},
            "interactive": {"type": "call_permission_reply", "call_permission_reply": {"response": "accept", "response_source": "user_action", **how}}}
    return messages([item], user, **({"number_id": number_id} if number_id else {}))


def story_permission_replies_of_strangers(rig):
    w, peer, sim = setup(rig)
    equal(rig.post_webhook(reply("447000000001", 1, number_id="999999999999999"))[0], 200, "status")
    until(lambda: w.counters()["webhook_unknown_number"] >= 1, "the unknown number")
    for n, how in enumerate(({"expiration_timestamp": -1}, {"expiration_timestamp": 2**63}, {"expiration_timestamp": "x"}, {"is_permanent": "yes"},
                             {"response": "later"}, {"response": None}, {"expiration_timestamp": 1}, {"is_permanent": True, "response_source": "automatic"})):
        check(rig.post_webhook(reply(f"44700000010{n}", f"odd{n}", **how))[0] in (200, 400), f"status for {how}")     # 2^63: no JSON of ours
    batch = messages([m for n in range(500) for m in reply(f"4470001{n:05d}", f"b{n}")["entry"][0]["changes"][0]["value"]["messages"]])
    equal(rig.post_webhook(batch, timeout=30)[0], 200, "status of 500 replies")
    path = "/v1/permissions?limit=1000"
    until(lambda: len([p for p in w.admin("GET", path)[1]["permissions"] if p["status"] == "temporary"]) >= 500, "500 permissions", 30)
    equal(w.records(), [], "calls")
    quiet(w)
    sim.whole_report()


def story_thousand_messages(rig):
    """In one delivery, from as many users; and one more than fits."""
    rule = {"name": "voice", "match": {"direction": "message", "keywords": ["call me"]},
            "actions": [{"call_back": {"gateways": ["pbx"], "user": "600", "order": "user_first"}}]}
    w, peer, sim = setup(rig, rule, config={"messages": {"context_texts": 20}})
    items = [m for n in range(1000) for m in message(f"wamid.m{n}", "hello " * 20, f"4470002{n:05d}")["entry"][0]["changes"][0]["value"]["messages"]]
    equal(rig.post_webhook(messages(items), timeout=30)[0], 200, "status of 1000 messages")
    until(lambda: w.counters()["messages_received"] == 1000, "1000 messages", 30)
    equal(rig.post_webhook(messages(items), timeout=30)[0], 200, "status of them again")
    until(lambda: w.counters()["webhook_duplicate"] >= 1000, "1000 duplicates", 30)
    rig.post_webhook(messages([*items, {**items[0], "id": "wamid.more"}]), timeout=30)
    same = [{**items[0], "id": "wamid.same", "text": {"body": "call me"}}] * 50
    equal(rig.post_webhook(messages(same), timeout=30)[0], 200, "the same message 50 times in a delivery")
    w.wait_records(1, timeout=30)       # nobody of Meta's has this number: one call that was refused
    calls = [{**items[n], "id": f"wamid.c{n}", "text": {"body": "call me"}} for n in range(200)]
    equal(rig.post_webhook(messages(calls), timeout=30)[0], 200, "200 who want to be called")
    until(lambda: len(w.records()) >= 200, "their calls", 60)
    quiet(w)
    sim.whole_report()


# ---- the API ----

def story_one_key_many_requests(rig):
    """The same key from 20 connections at once: one call, and everybody is told of the same one."""
    w, peer, sim = setup(rig, user={"talk_ms": 300})
    request = {"to": USER, "gateway": "pbx", "user": "600", "order": "user_first"}
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda _: w.post("/v1/calls", request, {"Idempotency-Key": "one"}), range(60)))
    told = [answer["id"] for code, answer in got if code == 202]
    check({code for code, _ in got} <= {202, 409}, f"{sorted({code for code, _ in got})}")
    equal(len(set(told)), 1, "calls told of")
    w.wait_records(1, timeout=30)
    equal(w.post("/v1/calls", {**request, "user": "1"}, {"Idempotency-Key": "one"})[0], 422, "another body")
    equal(w.post("/v1/messages", {"to": USER, "type": "text", "text": "hi"}, {"Idempotency-Key": "one"})[0], 422, "another path")
    for key in ("", "x" * 128, "é", "a b\tc", "\x7f"):
        code, _ = w.post("/v1/calls", {**request, "gateway": "no"}, {"Idempotency-Key": key.encode()})
        check(400 <= code < 500, f"key {key!r}: {code}")
    equal(len(w.records()), 1, "records")
    equal(len(sim.report()), 1, "calls at Meta")
    quiet(w)


def raw_post(w, path, body, method="POST"):
    connection = http.client.HTTPConnection("127.0.0.1", w.admin_port, timeout=20)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json", "Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    except (ConnectionError, http.client.HTTPException):
        return None, None       # hung up on
    finally:
        connection.close()


def story_bad_bodies(rig):
    w, peer, sim = setup(rig)
    sim.act(call=True)
    sim.wait_user_event("audio_heard")
    live, = w.live()
    one = f"/v1/calls/{live['id']}"
    paths = ["/v1/calls", "/v1/messages", "/v1/permissions/%2B447700900123/request", "/v1/permissions/%00/request", "/v1/permissions/%/request",
             "/v1/events/revive", *[f"{one}/{verb}" for verb in ("transfer", "hold", "mute", "dtmf")], "/v1/calls/c-000000000000/transfer",
             "/v1/calls/%2e%2e/hold", "/v1/calls//hold"]
    good = {"to": USER, "gateway": "pbx", "user": "600"}
    bodies = [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 5000, b'{"a":1,"a":2}', b'{"to":"' + b"9" * 60000 + b'"}', b'"' + b"x" * 2000000 + b'"',
              *[json.dumps({**good, key: value}).encode() for key, value in (
                  ("to", 1), ("to", "+44\r\nX: y"), ("to", ""), ("gateway", {}), ("gateway", "x" * 5000), ("user", "6 00\r\n"), ("user", "600@evil"),
                  ("uri", "sip:x@evil.example"), ("headers", [{"name": "Via", "value": "x"}]), ("headers", [{"name": "X-A\r\nB", "value": "x"}]),
                  ("headers", [{"name": "X-A", "value": "x\r\nB: c"}]), ("headers", [{"name": "X-A", "value": "y"}] * 500), ("ring_s", -1),
                  ("ring_s", 2**70), ("ring_s", 1.5), ("order", "nobody_first"), ("park_s", 10**12), ("request_text", "x" * 5000), ("unknown", 1),
                  ("caller_id", "\u0000"), ("display_name", "\u202e\r\n"), ("payload", "p" * 5000), ("number", "+1"))],
              b'{"digits":"x"}', b'{"digits":"' + b"1" * 5000 + b'"}', b'{"digits":1}', b'{"on":"maybe"}', b'{"side":"both","on":true}', b'{"text":1}']
    for path in paths:
        for body in bodies:
            code, answer = raw_post(w, path, body)
            fine = code is None or 400 <= code < 500 or path.endswith("/request") and code == 502    # Meta's word, when the body may be empty
            check(fine, f"{path} {body[:80]!r}: {code} {answer}")
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        code, _ = raw_post(w, "/v1/calls", b"{}", method)
        check(code is None or 400 <= code < 502, f"{method}: {code}")
    equal([c["state"] for c in w.live()], ["up"], "the call")
    sim.act(hang_up=True)
    quiet(w)
    equal(len(sim.report()), 1, "calls at Meta")


def story_api_against_the_call(rig):
    """Everything at once to one call from many connections, while it ends."""
    w, peer, sim = setup(rig)
    sim.act(call=True)
    sim.wait_user_event("audio_heard")
    live, = w.live()
    one, over, codes = f"/v1/calls/{live['id']}", threading.Event(), []
    deeds = [("hold", {"on": True}), ("hold", {"on": False}), ("mute", {"side": "user", "on": True}), ("dtmf", {"digits": "123#", "to": "sip"}),
             ("transfer", {"gateway": "pbx", "user": "601"}), ("transfer", {"gateway": "pbx", "user": "602"}), ("hangup", {})]

    def worker(seed):
        dice = random.Random(seed)
        while not over.is_set():
            verb, body = dice.choice(deeds[:-1])
            codes.append(w.post(f"{one}/{verb}", body)[0])
    threads = [threading.Thread(target=worker, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: len(codes) > 200, "200 requests", 60)
    w.post(f"{one}/hangup", {})
    until(lambda: not w.live(), "the end of the call", 30)
    over.set()
    for thread in threads:
        thread.join(20)
    check(set(codes) <= {200, 202, 204, 400, 403, 404, 409, 422}, f"{sorted(set(codes))}")
    quiet(w)
    sim.whole_report()


# ---- a service that is asked and never answers ----

def story_asked_service_hangs(rig):
    """100 messages, 20 calls and 20 INVITEs wait for it at the same time; each gets its fallback."""
    release = threading.Event()
    asked = rig.add(Receiver(rig, lambda path, body: release.wait(30) and (500, None)))
    ask = {"ask": {"url": asked.url(), "timeout": 1500}}
    rules = [{"name": f"ask-{d}", "match": {"direction": d}, "actions": [ask]} for d in ("message", "inbound", "outbound")]
    w, peer, sim = setup(rig, *rules, script=lambda call: (call.reply(486), call.expect("ACK")))
    items = [m for n in range(100) for m in message(f"wamid.h{n}", "hi", f"4470003{n:05d}")["entry"][0]["changes"][0]["value"]["messages"]]
    started = time.monotonic()
    equal(rig.post_webhook(messages(items), timeout=10)[0], 200, "status")
    dialled = [peer.dial(USER if n % 2 else "+4470009999%02d" % n) for n in range(20)]
    for n, call in enumerate(dialled):
        if n % 3 == 0:
            call.cancel()
    sim.act(call=True)
    equal(w.admin("GET", "/healthz")[0], 200, "status of /healthz")
    check(time.monotonic() - started < 20, "the answers took too long")
    until(lambda: w.counters()["route_ask_failed"] >= 100, "the fallbacks", 60)
    for call in dialled:
        call.cancel()
    sim.act(hang_up=True) if w.live() else None
    quiet(w, 60)
    release.set()
    sim.whole_report()


if __name__ == "__main__":
    main()
