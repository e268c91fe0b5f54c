"""From text to voice: what a user writes leads to a call, a button, an answer; what is kept, and for how long."""
import sqlite3

from harness import NUMBER, USER, check, equal, expect_record, main, until
from receiver import Receiver
from sip_peer import SipPeer

IN = {"name": "all", "match": {"direction": "inbound"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]}


def call_back(order="agent_first", **more):
    return {"call_back": {"gateways": ["pbx"], "user": "600", "order": order, **more}}


def on_text(*actions, keywords=("call me", "falar", "ligar", "urgente"), **match):
    return {"name": "voice", "match": {"direction": "message", "keywords": list(keywords), **match}, "actions": list(actions)}


def agent(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def setup(rig, *rules, script=agent, user=None, config=None, **plan):
    sim = rig.metasim(users=[rig.user(**{"permission": "permanent", "window_open": True, **(user or {})})], **plan)
    w = rig.watrunk(dialplan=[*rules, IN], **(config or {}))
    return w, rig.add(SipPeer(rig, script)), sim


def rows(rig, question):
    with sqlite3.connect(f"file:{rig.dir}/calls.db?mode=ro", uri=True) as db:
        return db.execute(question).fetchall()


def leads_to_a_call(rig, text, order, **more):
    w, peer, sim = setup(rig, on_text(call_back(order, **more)))
    sim.act(text=text)
    call = peer.wait_calls(1)
    sim.wait_user_event("audio_heard")
    until(lambda: call.media and len(call.media.audio(pt=0)) > 25, "the agent hears the user")
    sim.act(hang_up=True)
    peer.wait_done()
    record, = w.wait_records(1)
    expect_record(record, direction="outbound", status="completed", rule="voice", user_number=USER)
    sim.report()
    # What was written is not kept once it is dealt with.
    until(lambda: not rows(rig, "SELECT * FROM inbox WHERE json IS NOT NULL"), "texts forgotten")
    equal(len(rows(rig, "SELECT * FROM inbox")), 1, "message ids kept")
    return call


def story_keyword_agent_first(rig):
    leads_to_a_call(rig, "Please CALL   me!", "agent_first")


def story_keyword_user_first(rig):
    leads_to_a_call(rig, "é URGENTE, quero fálar", "user_first")


def story_chat_context(rig):
    w, peer, sim = setup(rig, on_text(call_back(chat_context=True)), config={"messages": {"context_texts": 3}})
    delivered = 0
    for text in ("one", "two", "my order is late", "call me"):
        sim.act(text=text)
        delivered += 1
        sim.wait_user_event("message_delivered", count=delivered)
    call = peer.wait_calls(1)
    equal(call.invite.get("X-WA-Chat"), "two | my order is late | call me", "X-WA-Chat")
    sim.wait_user_event("audio_heard")
    sim.act(hang_up=True)
    peer.wait_done()
    sim.report()


def story_other_texts_do_nothing(rig):
    w, peer, sim = setup(rig, on_text(call_back()), script=lambda call: check(False, "an INVITE"))
    sim.act(text="hello, recall merchants")
    sim.wait_user_event("message_delivered")
    until(lambda: not rows(rig, "SELECT * FROM inbox WHERE json IS NOT NULL"), "text forgotten")
    equal(sim.report(), [], "calls")
    equal(w.counters()["messages_matched"], 0, "messages_matched")


def story_text_and_button(rig):
    """The user gets a text and a button; tapping it calls the business, with the payload."""
    w, peer, sim = setup(rig, on_text({"send_text": {"text": "One moment, {name}."}},
                                      {"call_button": {"text": "Tap to talk to us", "button": "Call now", "payload": "esc-{from}"}}),
                         user={"steps": [{"on": "call_button", "call": True, "at_ms": 100}, {"on": "answered", "hang_up": True, "at_ms": 800}]})
    sim.act(text="call me")
    call = peer.wait_calls(1)
    peer.wait_done()
    equal(call.invite.get("X-WA-Payload"), f"esc-{USER}", "payload of the button")
    record, = w.wait_records(1)
    expect_record(record, direction="inbound", payload=f"esc-{USER}", status="completed")
    texts = [(m["kind"], m["text"]) for m in sim.messages()]
    equal(texts, [("text", "One moment, Ana Example."), ("call_button", "Tap to talk to us")], "messages")


def story_no_permission_then_granted(rig):
    w, peer, sim = setup(rig, on_text(call_back(on_no_permission="request", request_text="May we call you?")),
                         user={"permission": "none", "on_request": "accept", "reply_after_ms": 300})
    sim.act(text="call me")
    call = peer.wait_calls(1)
    sim.wait_user_event("audio_heard")
    sim.act(hang_up=True)
    peer.wait_done()
    records = w.wait_records(2)
    equal([r["cause"] for r in records], ["permission_asked", "normal"], "causes")
    sim.report()


def story_after_the_call(rig):
    ended = {"name": "thanks", "match": {"direction": "ended", "status": "completed"}, "actions": [{"send_text": {"text": "We spoke for {duration}."}}]}
    missed = {"name": "sorry", "match": {"direction": "ended", "status": "missed"}, "actions": [{"send_text": {"text": "We missed you."}}]}
    w, peer, sim = setup(rig, ended, missed, user={"steps": [{"on": "answered", "hang_up": True, "at_ms": 1200}]})
    sim.act(call=True)
    until(lambda: w.records(), "the record", 30)
    sim.wait_user_event("message_received")
    message, = sim.messages()
    check(message["text"].startswith("We spoke for 0:0"), message["text"])


def story_asked_over_http(rig):
    asked = Receiver(rig, lambda path, body: (200, {"actions": [call_back(user="777")]}))
    rig.add(asked)
    rule = {"name": "ask", "match": {"direction": "message"}, "actions": [{"ask": {"url": asked.url("/route"), "timeout": 2000}}]}
    w, peer, sim = setup(rig, rule)
    sim.act(text="anything")
    call = peer.wait_calls(1)
    check(call.invite.start.split()[1].startswith("sip:777@"), call.invite.start)
    sim.wait_user_event("audio_heard")
    sim.act(hang_up=True)
    peer.wait_done()
    facts, = asked.got
    equal((facts["direction"], facts["text"], facts["from"], facts["to"]), ("message", "anything", USER, NUMBER), "facts")
    sim.report()


def story_inbound_asked_over_http(rig):
    asked = rig.add(Receiver(rig, lambda path, body: (200, {"actions": [{"bridge": {"gateways": ["pbx"], "user": "778"}}]})))
    rule = {"name": "ask", "match": {"direction": "inbound"}, "actions": [{"ask": {"url": asked.url(), "timeout": 2000}}]}
    w = rig.watrunk(dialplan=[rule])
    peer = rig.add(SipPeer(rig, agent))
    rig.metasim(talk_ms=600).report()
    peer.wait_done()
    check(peer.calls[0].invite.start.split()[1].startswith("sip:778@"), peer.calls[0].invite.start)
    expect_record(w.wait_records(1)[0], status="completed", rule="ask")


def ask_fails(rig, answer, dead=False):
    asked = rig.add(Receiver(rig, answer))
    if dead:
        asked.stop()
    rule = {"name": "ask", "match": {"direction": "inbound"}, "actions": [{"ask": {"url": asked.url(), "timeout": 500, "fallback": "else"}}]}
    other = {"name": "else", "match": {"direction": "inbound"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "999"}}]}
    w = rig.watrunk(dialplan=[rule, other])
    peer = rig.add(SipPeer(rig, agent))
    rig.metasim(talk_ms=600).report()
    peer.wait_done()
    check(peer.calls[0].invite.start.split()[1].startswith("sip:999@"), peer.calls[0].invite.start)
    equal(w.counters()["route_ask_failed"], 1, "route_ask_failed")


def story_asked_service_is_dead(rig):
    ask_fails(rig, None, dead=True)


def story_asked_service_talks_nonsense(rig):
    ask_fails(rig, lambda path, body: (200, {"actions": [{"bridge": {"gateways": ["nowhere"]}}]}))


def story_asked_service_says_500(rig):
    ask_fails(rig, lambda path, body: (500, None))


if __name__ == "__main__":
    main()
