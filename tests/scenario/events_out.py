"""Events: what is told, in order, signed; a receiver that is dead for a while loses nothing."""
import http.client
import json

from harness import ADMIN, NUMBER, USER, check, equal, main, until
from receiver import Receiver
from sip_peer import SipPeer

SECRET = "event-secret"


def agent(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def setup(rig, **more):
    receiver = rig.add(Receiver(rig, secret=SECRET))
    w = rig.watrunk(events=[{"name": "crm", "url": receiver.url("/events"), "secret": SECRET, **more}])
    rig.add(SipPeer(rig, agent))
    return w, receiver


def story_a_call(rig):
    w, receiver = setup(rig)
    meta, = rig.metasim(talk_ms=1000).report()
    ended = receiver.wait_type("call.ended")
    equal(receiver.types(ended["subject"]), ["call.received", "call.ringing", "call.answered", "call.ended"], "events of the call")
    data = ended["data"]
    equal((data["direction"], data["number"], data["user"], data["status"], data["cause"], data["wacid"]),
          ("inbound", NUMBER, USER, "completed", "normal", meta["wacid"]), "data")
    for event in receiver.got:
        equal((event["specversion"], event["datacontenttype"]), ("1.0", "application/json"), "CloudEvents")
    equal(len({e["id"] for e in receiver.got}), len(receiver.got), "ids differ")


def story_missed_and_failed(rig):
    receiver = rig.add(Receiver(rig))
    rig.watrunk(events=[{"name": "crm", "url": receiver.url(), "types": ["call.missed", "call.failed"]}])
    rig.add(SipPeer(rig, lambda call: (call.reply(486), call.expect("ACK"))))
    rig.metasim().report()
    receiver.wait_type("call.failed")
    equal(receiver.types(), ["call.failed"], "only what was asked for")


def story_dead_receiver(rig):
    """Calls while the receiver is down; everything arrives once it is up again, in order for each call."""
    w, receiver = setup(rig)
    receiver.stop()
    rig.metasim(calls=5, talk_ms=300).report()
    w.wait_event("event_receiver_failing")
    w.wait_records(5)
    receiver.start()
    until(lambda: receiver.types().count("call.ended") >= 5, "the events of five calls", 60)
    subjects = {e["subject"] for e in receiver.got}
    equal(len(subjects), 5, "calls told of")
    for subject in subjects:
        seen, order = set(), []
        for event in receiver.got:
            if event["subject"] == subject and event["id"] not in seen:
                seen.add(event["id"])
                order.append(event["type"].removeprefix("com.watrunk."))
        equal(order, ["call.received", "call.ringing", "call.answered", "call.ended"], "order")


def story_killed_with_events_waiting(rig):
    w, receiver = setup(rig)
    receiver.stop()
    rig.metasim(calls=2, talk_ms=300).report()
    w.wait_records(2)
    w.kill()
    w.check_output()
    w2 = rig.watrunk(events=[{"name": "crm", "url": receiver.url("/events"), "secret": SECRET}])
    receiver.start()
    until(lambda: receiver.types().count("call.ended") >= 2, "the events of two calls", 60)
    check(w2.popen.poll() is None, "watrunk has ended")


def story_refused_events_are_dead_and_can_be_revived(rig):
    answers = [400]
    receiver = rig.add(Receiver(rig, lambda path, body: (answers[0], None)))
    w = rig.watrunk(events=[{"name": "crm", "url": receiver.url()}])
    rig.add(SipPeer(rig, agent))
    rig.metasim(talk_ms=300).report()
    until(lambda: len(w.admin("GET", "/v1/events/dead?receiver=crm")[1]["events"]) >= 4, "dead letters")
    answers[0] = 200
    before = len(receiver.got)
    code, answer = w.post("/v1/events/revive", {"receiver": "crm"})
    equal(code, 200, f"revive: {answer}")
    until(lambda: len(receiver.got) >= before + 4, "the revived events")


def story_server_sent_events(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, agent))
    connection = http.client.HTTPConnection("127.0.0.1", w.admin_port, timeout=30)
    connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {ADMIN}"})
    response = connection.getresponse()
    equal((response.status, response.getheader("Content-Type").split(";")[0]), (200, "text/event-stream"), "GET /v1/events")
    rig.metasim(talk_ms=400).report()
    types = []
    while "call.ended" not in types:
        line = response.readline().decode()
        check(line, "the stream ended")
        if line.startswith("data:"):
            types.append(json.loads(line[5:])["type"].removeprefix("com.watrunk."))
    connection.close()
    equal(types, ["call.received", "call.ringing", "call.answered", "call.ended"], "events")


if __name__ == "__main__":
    main()
