"""kill -9 at every moment of an escalation, then another run on the same database: what was acknowledged is carried out, and nobody is
called twice."""
import contextlib
import json
import os
import random
import signal
import sqlite3
import time

from deliveries import message
from harness import NUMBER, USER, WAIT_S, Failure, check, equal, expect_record, main, until
from receiver import Receiver
from sip_peer import SipPeer

IN = {"name": "all", "match": {"direction": "inbound"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]}
PERMITTED = {"permission": "permanent", "window_open": True}


def call_back(order="user_first", **more):
    return {"call_back": {"gateways": ["pbx"], "user": "600", "order": order, **more}}


def on_text(*actions):
    return {"name": "voice", "match": {"direction": "message", "keywords": ["call me"]}, "actions": list(actions)}


ASKING = {"on_no_permission": "request", "request_text": "May we call you?"}


def agent(call):
    """Answers, and takes whatever comes: its caller may be killed at any moment."""
    with contextlib.suppress(Failure):
        call.reply(180)
        call.reply(200, sdp=call.sdp())
        call.media.start(call.remote_rtp(), 0)
        while call.expect_any().method != "BYE":
            pass


class Agent(SipPeer):
    def __init__(self, rig, script=agent):
        super().__init__(rig, script)

    def check(self):
        """Of a run that was killed, requests may still come when everybody has forgotten them."""
        check(not self.faults, "in the gateway's script:\n" + "\n".join(self.faults))


def kill(w):
    os.kill(w.pid, signal.SIGKILL)
    w.wait(10)
    w.check_output()


class Lives:
    """watrunk, as often as it is started anew with the same configuration."""

    def __init__(self, rig, *rules, **config):
        self.rig, self.config = rig, {"dialplan": [*rules, IN], **config}
        self.now = rig.watrunk(**self.config)

    def again(self, **changes):
        if self.now.popen.poll() is None:
            kill(self.now)
        self.now = self.rig.watrunk(**{**self.config, **changes})
        return self.now


def setup(rig, *rules, user=None, config=None, script=agent, **plan):
    sim = rig.metasim(users=[rig.user(**{**PERMITTED, **(user or {})})], **plan)
    lives = Lives(rig, *rules, **(config or {}))
    return lives, rig.add(Agent(rig, script)), sim


def rows(rig, question):
    with sqlite3.connect(f"file:{rig.dir}/calls.db?mode=ro", uri=True, timeout=WAIT_S) as db:
        return db.execute(question).fetchall()


def undone(rig):
    return rows(rig, "SELECT message_id FROM inbox WHERE json IS NOT NULL")


def one_call(sim, w):
    """The user was called once, and spoke; nothing is under way any more."""
    until(lambda: not w.live(), "the end of all calls")
    calls = sim.report()
    equal([c["direction"] for c in calls], ["business_initiated"], "calls at Meta")
    return calls[0]


def goes_on(sim, w, **wanted):
    """It is carried out now; the user speaks and hangs up."""
    sim.wait_user_event("audio_heard", timeout=30)
    until(lambda: [c for c in w.live() if c["state"] == "up"], "the agent on the line")     # music is audio, too
    sim.act(hang_up=True)
    until(lambda: [r for r in w.records() if r["status"] == "completed"], "the record")
    record, = [r for r in w.records() if r["status"] == "completed"]
    expect_record(record, direction="outbound", user_number=USER, **wanted)
    one_call(sim, w)
    w.check_idle()


# ---- a message that was answered 200 ----

def story_message_acknowledged(rig):
    """Its rule is being asked when watrunk dies: it is asked again, and the user is called once."""
    asked = rig.add(Receiver(rig, lambda path, body: time.sleep(3) or (500, None) if len(asked.got) == 1 else (200, {"actions": [call_back()]})))
    rule = {"name": "ask", "match": {"direction": "message"}, "actions": [{"ask": {"url": asked.url(), "timeout": 10000}}]}
    lives, peer, sim = setup(rig, rule)
    sim.act(text="call me")
    sim.wait_user_event("message_delivered")
    until(lambda: asked.got, "the question")
    w = lives.again()
    w.wait_event("messages_resumed", count=1)
    goes_on(sim, w, rule="ask")
    equal(len(asked.got), 2, "questions")
    equal(undone(rig), [], "messages not dealt with")


def story_text_before_the_call_back(rig):
    """Died between the two: the text may come again, the call comes once."""
    lives, peer, sim = setup(rig, on_text({"send_text": {"text": "One moment."}}, call_back()), graph={"messages": {"delay_ms": 1500}})
    sim.act(text="call me")
    sim.wait_user_event("message_received")
    goes_on(sim, lives.again())


def story_text_after_the_call_back(rig):
    """Dies after connect, and before Meta has taken the text that the rule sends next."""
    lives, peer, sim = setup(rig, on_text(call_back(), {"send_text": {"text": "We are calling you."}}), user={"on_call": "ignore"},
                             graph={"messages": {"delay_ms": 60000}})
    sim.act(text="call me")
    sim.wait_user_event("message_received")
    sim.wait_user_event("ringing")
    w = lives.again()
    record, = w.wait_records(1)
    check(record["cause"] in ("restart", "uncertain"), record["cause"])
    equal(undone(rig), [], "messages not dealt with")
    equal(w.admin("GET", "/v1/parked")[1]["parked"], [], "parked")
    one_call(sim, w)


def story_message_with_a_long_id(rig):
    """Dealt with is dealt with, however long its id is."""
    lives, peer, sim = setup(rig, on_text(call_back()))
    text = message("wamid." + "x" * 250)
    equal(rig.post_webhook(text)[0], 200, "status")
    sim.wait_user_event("audio_heard")
    until(lambda: not undone(rig), "the message dealt with")
    w = lives.again()
    w.wait_records(1)
    equal(w.events("messages_resumed"), [], "messages resumed")
    one_call(sim, w)


def story_message_again_after_the_restart(rig):
    """Meta sends again what it has not heard an answer for; and once more much later."""
    lives, peer, sim = setup(rig, on_text(call_back()))
    text = message("wamid.again")
    equal(rig.post_webhook(text)[0], 200, "status")
    sim.wait_user_event("connect_received")
    w = lives.again()
    for number in (1, 2):
        equal(rig.post_webhook(text)[0], 200, "status")
        until(lambda: w.counters()["webhook_duplicate"] >= number, "the duplicate")
    w.wait_records(1)
    one_call(sim, w)
    equal(w.counters()["messages_received"], 0, "messages read")


def story_agent_rings(rig):
    """The agent's phone rings, nobody has called the user yet: both are called after the restart."""
    rings = []
    lives, peer, sim = setup(rig, on_text(call_back("agent_first")),
                             script=lambda call: rings.append(call) or (call.reply(180) if len(rings) == 1 else agent(call)))
    sim.act(text="call me")
    peer.wait_calls(1)
    lives.now.wait_event("sip_progress")
    goes_on(sim, lives.again())
    equal(len(peer.calls), 2, "INVITEs")


def story_stopped_while_the_agent_rings(rig):
    """SIGTERM is no reason to forget him either: the next run calls."""
    rings = []
    lives, peer, sim = setup(rig, on_text(call_back("agent_first")),
                             script=lambda call: rings.append(call) or ((call.reply(180), call.expect("CANCEL"), call.reply(487))
                                                                        if len(rings) == 1 else agent(call)))
    sim.act(text="call me")
    lives.now.wait_event("sip_progress")
    lives.now.stop()
    w = lives.again()
    goes_on(sim, w)
    equal([r["cause"] for r in w.records()], ["shutdown", "normal"], "causes")


def story_all_lines_taken(rig):
    """A call back that finds the number's lines taken waits for one, instead of being forgotten."""
    peer, sim = rig.add(Agent(rig)), rig.metasim(users=[rig.user(**PERMITTED), rig.user("+447700900777", talk_ms=300, **PERMITTED)])
    lives = Lives(rig, on_text(call_back()), numbers=[rig.number(max_calls=1)])
    sim.act(call=True)
    sim.wait_user_event("audio_heard")
    sim.act(user="447700900777", text="call me")
    until(lambda: rows(rig, "SELECT * FROM inbox") and not undone(rig), "the message dealt with")
    equal(len(lives.now.admin("GET", "/v1/parked")[1]["parked"]), 1, "kept")
    sim.act(hang_up=True)
    w = lives.now
    record, = [r for r in until(lambda: len(w.records()) == 2 and w.records(), "two records") if r["direction"] == "outbound"]
    expect_record(record, status="completed", user_number="+447700900777")
    equal(len(sim.report()), 2, "calls at Meta")


# ---- a dial that waits for permission ----

def parked(rig, **user):
    lives, peer, sim = setup(rig, on_text(call_back(**ASKING)), user={"permission": "none", "on_request": "ignore", **user})
    sim.act(text="call me")
    sim.wait_user_event("permission_requested")
    until(lambda: len(lives.now.admin("GET", "/v1/parked")[1]["parked"]) == 1, "the dial to be parked")
    return lives, peer, sim


def story_parked_reply_after_the_restart(rig):
    lives, peer, sim = parked(rig)
    until(lambda: lives.now.records(), "the record of the call that parked it")
    w = lives.again()
    equal(len(w.admin("GET", "/v1/parked")[1]["parked"]), 1, "parked")
    w = lives.again()
    sim.act(reply="accept")
    goes_on(sim, w)
    equal([r["cause"] for r in w.records()], ["permission_asked", "normal"], "causes")
    equal(w.admin("GET", "/v1/parked")[1]["parked"], [], "parked")


def story_parked_reply_while_down(rig):
    """Meta repeats it until somebody answers."""
    lives, peer, sim = parked(rig)
    kill(lives.now)
    sim.act(reply="accept")
    sim.wait_user_event("webhook_again")
    goes_on(sim, lives.again())


def story_parked_reply_just_before_the_kill(rig):
    """Kept, answered 200, and then nothing: it is as if it came after the restart."""
    lives, peer, sim = parked(rig)
    sim.act(reply="accept")
    sim.wait_user_event("message_delivered", count=2)
    w = lives.again()
    until(lambda: "connect_received" in [l.get("event") for l in sim.lines if l], "a call", 30)
    until(lambda: not w.live() or "audio_heard" in [l.get("event") for l in sim.lines if l], "voice, or the end")
    with contextlib.suppress(Failure):   # of a call that the killed run had begun nobody picks up
        sim.act(hang_up=True)
    one_call(sim, w)


def story_killed_while_asking_the_user(rig):
    """Meta has asked him, and nobody lives to hear so: he agrees, and is called."""
    lives, peer, sim = setup(rig, on_text(call_back(**ASKING)), user={"permission": "none", "on_request": "ignore"},
                             graph={"messages": {"delay_ms": 1000}})
    sim.act(text="call me")
    sim.wait_user_event("permission_requested")
    w = lives.again()
    w.wait_event("call_ended", cause="permission_asked")
    equal(len(w.admin("GET", "/v1/parked")[1]["parked"]), 1, "parked dials")
    sim.act(reply="accept")
    goes_on(sim, w)


def story_killed_before_the_permission_is_written(rig):
    """The same, and what was known of him is lost too: Meta says that he may not be asked again."""
    lives, peer, sim = setup(rig, on_text(call_back(**ASKING)), user={"permission": "none", "on_request": "ignore"},
                             graph={"messages": {"delay_ms": 1000}})
    sim.act(text="call me")
    sim.wait_user_event("permission_requested")
    kill(lives.now)
    with sqlite3.connect(rig.dir / "calls.db", timeout=WAIT_S) as db:
        db.execute("DELETE FROM permissions")
    w = lives.again()
    w.wait_event("call_ended", cause="permission_asked")
    equal(len(w.admin("GET", "/v1/parked")[1]["parked"]), 1, "parked dials")
    equal(len([l for l in sim.lines if l and l.get("event") == "permission_requested"]), 1, "requests")
    sim.act(reply="accept")
    goes_on(sim, w)


def story_reply_overtakes_the_answer(rig):
    """He agrees before Meta has answered our request to ask him."""
    lives, peer, sim = setup(rig, on_text(call_back(**ASKING)), user={"permission": "none", "on_request": "accept", "reply_after_ms": 10},
                             graph={"messages": {"delay_ms": 1000}})
    sim.act(text="call me")
    goes_on(sim, lives.now)


def story_permissions_survive(rig):
    lives, peer, sim = setup(rig, on_text(call_back()), user={"permission": "none", "on_request": "accept", "reply_after_ms": 10})
    code, answer = lives.now.post(f"/v1/permissions/{USER.replace('+', '%2B')}/request", {"text": "May we call?"})
    equal(code, 202, f"{answer}")
    lives.now.wait_event("permission", change="granted")
    until(lambda: not undone(rig), "the reply dealt with")
    path = f"/v1/permissions/{USER.replace('+', '%2B')}"
    before = lives.now.admin("GET", path)[1]
    equal(before["status"], "temporary", "status")
    w = lives.again()
    equal(w.admin("GET", path)[1], before, "the permission")
    asked = len([l for l in sim.lines if l and l.get("event") == "permission_asked"])
    sim.act(text="call me")
    goes_on(sim, w)
    equal(len([l for l in sim.lines if l and l.get("event") == "permission_asked"]), asked, "questions to Meta")


# ---- a dial on its way to Meta, and a call that is up ----

def uncertain(rig, **plan):
    receiver = rig.add(Receiver(rig))
    lives, peer, sim = setup(rig, on_text(call_back()), config={"events": [{"name": "crm", "url": receiver.url()}]},
                             user={"on_call": "ignore"}, **plan)
    sim.act(text="call me")
    sim.wait_user_event("connect_received")
    w = lives.again()
    record, = w.wait_records(1)
    expect_record(record, direction="outbound", cause="uncertain", status="failed", user_number=USER, number=NUMBER, ended_by="watrunk",
                  wacid=None, answered_ms=None)
    failed = receiver.wait_type("call.failed")
    equal((failed["subject"], failed["data"]["cause"], failed["data"]["direction"]), (record["id"], "uncertain", "outbound"), "the event")
    equal(w.events("leftover_dial")[0]["call"], record["id"], "told")
    return lives, sim, record


def story_connect_without_an_answer(rig):
    """Nobody knows whether Meta took it, until its webhook comes: then it is ended there."""
    lives, sim, record = uncertain(rig, graph={"connect": {"drop": True}}, outbound={"connect_after_ms": 5000, "connect_before_response": False})
    sim.wait_user_event("terminate", timeout=30)
    w = lives.again()
    equal([r["id"] for r in w.records()], [record["id"]], "records after one more restart")
    meta = one_call(sim, w)
    equal((meta["ended_by"], meta["opaque"]), ("business", record["id"]), "at Meta")


def story_connect_answer_and_webhook_lost(rig):
    """RINGING is all that comes."""
    lives, sim, record = uncertain(rig, graph={"connect": {"delay_ms": 60000}}, outbound={"lose": "connect", "connect_after_ms": 5000})
    sim.wait_user_event("terminate", timeout=30)
    equal(one_call(sim, lives.now)["ended_by"], "business", "ended by")


def story_killed_in_a_call(rig):
    lives, peer, sim = setup(rig, on_text(call_back()))
    sim.act(text="call me")
    sim.wait_user_event("audio_heard")
    live, = lives.now.live()
    w = lives.again()
    sim.wait_user_event("terminate")
    record, = w.wait_records(1)
    expect_record(record, id=live["id"], cause="restart", direction="outbound", user_number=USER, wacid=bool)
    equal(one_call(sim, w)["ended_by"], "business", "ended by")


def story_originated_and_killed(rig):
    """Who was told 202 is told the end, though nothing had reached Meta."""
    receiver = rig.add(Receiver(rig))
    lives, peer, sim = setup(rig, config={"events": [{"name": "crm", "url": receiver.url()}]}, script=lambda call: call.reply(180))
    key = {"Idempotency-Key": "order-17"}
    request = {"to": USER, "gateway": "pbx", "user": "600", "order": "agent_first"}
    code, made = lives.now.post("/v1/calls", request, key)
    equal(code, 202, f"POST /v1/calls: {made}")
    lives.now.wait_event("sip_progress")
    until(lambda: rows(rig, "SELECT * FROM live_calls"), "the call on disk")
    w = lives.again()
    expect_record(w.wait_records(1)[0], id=made["id"], direction="outbound", cause="uncertain", user_number=USER)
    equal(receiver.wait_type("call.failed")["subject"], made["id"], "subject")
    equal(w.post("/v1/calls", request, key), (202, made), "the same request again")
    equal(w.post("/v1/calls", {**request, "user": "601"}, key)[0], 422, "another request with its key")
    equal(len(w.records()), 1, "records")
    equal(sim.report(), [], "calls at Meta")


def story_ended_rule_of_a_leftover(rig):
    """A rule for failed calls answers one that the start itself has ended."""
    ended = {"name": "sorry", "match": {"direction": "ended", "call": "inbound", "status": "failed"}, "actions": [call_back()]}
    peer, sim = rig.add(Agent(rig)), rig.metasim(users=[rig.user(**PERMITTED)])
    lives = Lives(rig, ended)
    sim.act(call=True)
    sim.wait_user_event("audio_heard")
    w = lives.again()
    w.wait_event("dial", rule="sorry")
    until(lambda: len(w.records()) == 2 or [c for c in w.live() if c["state"] == "up"], "the call back up, or refused by a Meta that finds him busy")
    if w.live():
        sim.act(hang_up=True)
    until(lambda: len(w.records()) == 2, "two records", 30)
    equal([(r["direction"], r["cause"]) for r in w.records()][0], ("inbound", "restart"), "the first")
    equal(w.records()[1]["rule"], "sorry", "rule of the second")
    sim.whole_report()


# ---- events ----

def story_events_wait_for_their_receiver(rig):
    """Dead through three runs; then everything comes, and for each call in order."""
    receiver = rig.add(Receiver(rig))
    receiver.stop()
    lives, peer, sim = setup(rig, on_text(call_back()), config={"events": [{"name": "crm", "url": receiver.url()}]}, user={"talk_ms": 200})
    for number in (1, 2, 3):
        sim.act(text="call me")
        until(lambda: len(lives.now.records()) == number, "the record")
        until(lambda: rows(rig, f"SELECT count(*) FROM outbox WHERE type LIKE '%call.ended'") == [(number,)], "its event kept")
        lives.again()
    told = [(i, s) for i, s in rows(rig, "SELECT id, subject FROM outbox ORDER BY seq")]
    receiver.start()
    lives.again()
    until(lambda: {e["id"] for e in list(receiver.got)} >= {i for i, _ in told}, "all events", 60)
    for subject in {s for _, s in told}:
        got = [e["id"] for e in receiver.got if e.get("subject") == subject]
        first = sorted(set(got), key=got.index)
        equal(first, [i for i, s in told if s == subject], f"order for {subject}")
    sim.whole_report()


# ---- any moment ----

def story_random_kills(rig):
    """Users write, watrunk dies and comes back; at the end each was called once, or nobody knows and the record says so."""
    seed = int(os.environ.get("SEED", "20251121"))
    dice, rounds, each = random.Random(seed), 10, 3
    print(f"seed {seed}", flush=True)
    users = [f"4477009{n:05d}" for n in range(rounds * each)]
    plans = [{"number": u, "window_open": True, "answer_after_ms": 50, "talk_ms": 150, "permission": "none" if n % 3 == 2 else "permanent",
              "on_request": "accept", "reply_after_ms": dice.randrange(10, 400)} for n, u in enumerate(users)]
    orders = ("user_first", "agent_first")
    sim = rig.metasim(users=plans, limits={"requests_per_day": 1}, outbound={"connect_after_ms": 20}, graph={"connect": {"delay_ms": 30}},
                      webhook={"retries": 60, "retry_ms": 50})
    peer = rig.add(Agent(rig))
    rules = [{"name": order, "match": {"direction": "message", "keywords": [order]}, "actions": [call_back(order, **ASKING)]} for order in orders]
    lives = Lives(rig, *rules, log={"level": "info", "format": "json"})
    for round_ in range(rounds):
        for user in users[round_ * each:(round_ + 1) * each]:
            sim.act(user=user, text=dice.choice(orders))
            time.sleep(dice.random() * 0.05)
        time.sleep(dice.random() * 0.6)
        lives.again()
    w = lives.now

    def settled():
        return not w.live() and not undone(rig) and not rows(rig, "SELECT * FROM parked") and all_known(w, sim, users)
    until(settled, "everybody's call", 60)
    made, records = dialled(sim), w.records()
    for user in users:
        equal(made.count(user) <= 1, True, f"{user} was called {made.count(user)} times")
    equal(rows(rig, "SELECT * FROM live_calls"), [], "live calls")
    w.check_idle(30)
    calls = sim.report(violations=(".",))
    by_opaque = {c["opaque"]: c for c in calls}
    ids = {r["id"] for r in records}
    check(set(by_opaque) <= ids, f"calls at Meta without a record: {set(by_opaque) - ids}")
    print(json.dumps({cause: sum(r["cause"] == cause for r in records) for cause in sorted({r["cause"] for r in records})}), flush=True)


def dialled(sim):
    with sim.changed:
        return [l["user"] for l in sim.lines if l and l.get("event") == "connect_received"]


def all_known(w, sim, users):
    made = set(dialled(sim))
    doubtful = {(r["user_number"] or "").lstrip("+") for r in w.records() if r["cause"] == "uncertain"}
    return set(users) <= made | doubtful


if __name__ == "__main__":
    main()
