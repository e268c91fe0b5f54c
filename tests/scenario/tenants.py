"""Two tenants on one watrunk, and one of them tries everything to reach the other."""
import http.client
import re
import threading

import yaml
from harness import ADMIN, HERE, NUMBER, NUMBER_ID, USER, WAIT_S, check, equal, expect_record, main, until
from reload import write
from sip_peer import Call, Message, RawSip, SipPeer, tag

ACME, GLOBEX = "acme-token-1", "globex-token-1"
OTHER_NUMBER, OTHER_ID, OTHER_ADDRESS = "+12025550199", "310000000000099", "127.0.0.2"
NOBODY = "c-000000000000"
TENANTS = [{"name": "acme", "tokens": [ACME]}, {"name": "globex", "tokens": [GLOBEX]}]
RULES = [
    {"name": "globex-in", "tenant": "globex", "actions": [{"bridge": {"gateways": ["globex-pbx"]}}]},
    {"name": "globex-out", "tenant": "globex", "match": {"direction": "outbound", "to": "^\\+44"}, "actions": [{"whatsapp": {}}]},
    {"name": "acme-in", "tenant": "acme", "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]},
    {"name": "acme-out", "tenant": "acme", "match": {"direction": "outbound", "to": "^\\+44"}, "actions": [{"whatsapp": {}}]},
]


def answers(call):
    call.reply(180)
    call.answer()


class Two:
    """acme's PBX is at 127.0.0.1, globex's at 127.0.0.2; the WhatsApp users call and are called by acme's number."""

    def __init__(self, rig, tenants=None, script=answers, **plan):
        self.rig, self.other_port = rig, rig.ports.one()
        self.config = {
            "tenants": tenants or TENANTS,
            "numbers": [rig.number(tenant="acme"), {"phone_number_id": OTHER_ID, "number": OTHER_NUMBER, "token": "other", "tenant": "globex"}],
            "gateways": [rig.gateway(tenant="acme"),
                         {"name": "globex-pbx", "uri": f"sip:{OTHER_ADDRESS}:{self.other_port};transport=udp", "tenant": "globex"}],
            "dialplan": RULES}
        self.w = rig.watrunk(**self.config)
        self.pbx = rig.add(SipPeer(rig, script))
        self.sim = rig.metasim(**{"users": [rig.user(steps=[{"call": True}])], **plan})
        self.other = rig.add(RawSip(rig, source=OTHER_ADDRESS))

    def wait_call(self):
        self.sim.wait_user_event("audio_heard")
        return self.w.live()[0]["id"]

    def end(self):
        self.sim.act(hang_up=True)
        self.w.wait_event("call_ended")
        self.sim.report()

    def invite(self, user, *headers):
        """From globex's address: the final answer."""
        self.other.socket.settimeout(WAIT_S)
        to, call_id, branch = f"sip:{user}@127.0.0.1:{self.rig.sip_port}", tag(), "z9hG4bK" + tag()
        lines = [f"INVITE {to} SIP/2.0", f"Via: SIP/2.0/UDP {self.other.source}:{self.other.port};branch={branch};rport", "Max-Forwards: 70",
                 f"From: <sip:x@{self.other.source}>;tag={tag()}", f"To: <{to}>", f"Call-ID: {call_id}", "CSeq: 1 INVITE",
                 f"Contact: <sip:x@{self.other.source}:{self.other.port}>", *headers]
        self.other.socket.sendto(Call.finish(lines, None), ("127.0.0.1", self.rig.sip_port))
        while True:
            answer = Message(self.other.socket.recv(65535))
            if answer.status and answer.status >= 200 and answer.get("Call-ID") == call_id:
                break
        ack = [lines[0].replace("INVITE", "ACK", 1), *lines[1:4], f"To: {answer.get('To')}", lines[5], "CSeq: 1 ACK"]
        self.other.socket.sendto(Call.finish(ack, None), ("127.0.0.1", self.rig.sip_port))
        return answer


# ---- the API: every request there is ----

BODIES = {
    ("POST", "/v1/calls"): {"to": USER, "number": NUMBER, "gateway": "globex-pbx"},
    ("POST", "/v1/calls/{id}/hangup"): None,
    ("POST", "/v1/calls/{id}/transfer"): {"gateway": "globex-pbx"},
    ("POST", "/v1/calls/{id}/hold"): {"on": True},
    ("POST", "/v1/calls/{id}/mute"): {"on": True, "side": "sip"},
    ("POST", "/v1/calls/{id}/recording"): {"action": "start"},
    ("POST", "/v1/calls/{id}/fork"): {"action": "stop"},
    ("POST", "/v1/calls/{id}/dtmf"): {"digits": "1", "to": "sip"},
    ("POST", "/v1/permissions/{user}/request"): {"number": NUMBER},
    ("POST", "/v1/messages"): {"type": "text", "text": "x", "to": USER, "number": NUMBER},
    ("POST", "/v1/reload"): None,
    ("POST", "/v1/events/revive"): {"receiver": "nobody"},
}
# What globex's token gets when it asks for what is acme's; by method and path.
DECIDED = {
    ("GET", "/healthz"): 200, ("GET", "/v1/calls"): 200, ("POST", "/v1/calls"): 422, ("GET", "/v1/calls/{id}"): 404,
    ("POST", "/v1/calls/{id}/hangup"): 404, ("POST", "/v1/calls/{id}/transfer"): 404, ("POST", "/v1/calls/{id}/hold"): 404,
    ("POST", "/v1/calls/{id}/mute"): 404, ("POST", "/v1/calls/{id}/dtmf"): 404,
    ("POST", "/v1/calls/{id}/recording"): 404, ("POST", "/v1/calls/{id}/fork"): 404, ("GET", "/v1/history"): 200, ("GET", "/v1/counters"): 404,
    ("GET", "/v1/permissions"): 200, ("GET", "/v1/permissions/{user}"): 422, ("POST", "/v1/permissions/{user}/request"): 422,
    ("GET", "/v1/parked"): 200, ("DELETE", "/v1/parked/{id}"): 404, ("POST", "/v1/messages"): 422, ("POST", "/v1/reload"): 404,
    ("GET", "/v1/registrations"): 404, ("DELETE", "/v1/registrations/{id}"): 404, ("GET", "/v1/bans"): 404, ("DELETE", "/v1/bans/{source}"): 404,
    ("GET", "/v1/gateways"): 404,
    ("GET", "/v1/events"): None, ("GET", "/v1/events/dead"): 200, ("POST", "/v1/events/revive"): 200,
}


def requests():
    with open(HERE.parent.parent / "docs/openapi.yaml", encoding="utf-8") as f:
        paths = yaml.safe_load(f)["paths"]
    return {(m.upper(), path) for path, item in paths.items() for m in item if m in ("get", "put", "post", "delete", "patch")}


def ask(w, method, path, wanted, token, number):
    query = {"/v1/permissions/{user}": f"?number=%2B{number[1:]}", "/v1/events/dead": "?receiver=nobody"}.get(path, "")
    target = re.sub(r"\{\w+\}", USER if "{user}" in path else wanted, path) + (query if method == "GET" else "")
    body = BODIES.get((method, path))
    if body and "number" in body:
        body = {**body, "number": number}
    status, answer = w.post(target, body, method=method, token=token)
    return status, str(answer).replace(wanted, "ID").replace(number[1:], "N")


def listen(w, token, heard):
    """The types of the events it is told, until a call has ended."""
    connection = http.client.HTTPConnection("127.0.0.1", w.admin_port, timeout=WAIT_S)
    connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    heard.append("begun")
    for line in response:
        if line.startswith(b"event: "):
            heard.append(line.decode().split("watrunk.")[1].strip())
        if b"call.ended" in line:
            break
    connection.close()


def story_every_request_of_the_api(rig):
    equal(requests(), set(DECIDED), "requests of docs/openapi.yaml, and what is decided of them here")
    t = Two(rig, users=[rig.user()])
    heard = {ADMIN: [], ACME: [], GLOBEX: []}
    for token, events in heard.items():
        threading.Thread(target=listen, args=(t.w, token, events), daemon=True).start()
    until(lambda: t.w.gauges() and all(heard.values()), "streams of events")
    t.sim.act(call=True)
    call = t.wait_call()
    for (method, path), status in sorted(DECIDED.items()):
        if status is None:
            continue
        theirs = ask(t.w, method, path, call, GLOBEX, NUMBER)
        equal(theirs[0], status, f"{method} {path} of another tenant's")
        if status == 200:
            check(call not in theirs[1] and USER not in theirs[1], f"{method} {path}: {theirs[1]}")
        elif "{id}" in path or status == 422:
            equal(theirs, ask(t.w, method, path, NOBODY, GLOBEX, "+12025550000"), f"{method} {path}: as of what does not exist")
    live, = t.w.admin("GET", "/v1/calls", token=ACME)[1]["calls"]
    equal((live["id"], live["tenant"], live["on_hold"]), (call, "acme", False), "the call as its own tenant sees it")
    check(len(t.w.admin("GET", "/v1/permissions", token=ACME)[1]["permissions"]) == 1, "acme's permissions")
    t.end()
    record, = t.w.wait_records(1)
    expect_record(record, tenant="acme", status="completed")
    until(lambda: "call.ended" in heard[ACME] and "call.ended" in heard[ADMIN], "call.ended")
    equal(heard[GLOBEX], ["begun"], "events of another tenant")
    equal(t.w.admin("GET", f"/v1/calls/{call}", token=GLOBEX)[0], 404, "the record of another")
    equal(t.w.admin("GET", "/v1/history", token=GLOBEX)[1]["records"], [], "the log of another")
    equal([r["id"] for r in t.w.admin("GET", "/v1/history", token=ACME)[1]["records"]], [call], "one's own log")
    equal(t.w.admin("GET", f"/v1/calls/{call}", token=ACME)[0], 200, "one's own record")
    equal([l["tenant"] for l in t.w.events("call_ended")], ["acme"], "tenant in the log")
    equal(t.pbx.calls[0].invite.get("X-WA-Tenant"), "acme", "X-WA-Tenant")


# ---- SIP ----

def story_sip_callers_and_targets(rig):
    t = Two(rig)
    call = t.wait_call()
    leg = t.pbx.calls[0]
    for headers in ([f"X-WA-Number-Id: {NUMBER_ID}"], [f"X-WA-Number-Id: {NUMBER_ID}", "X-WA-Tenant: acme"]):
        answer = t.invite("+447700900555", *headers)
        check(answer.status in (404, 403), f"{headers}: {answer.start}")
    equal(t.invite("600").status, 404, "acme's extension, for globex")
    ours = re.search(r"tag=([^;]+)", leg.invite.get("From")).group(1)
    theirs = t.invite("600", f"Replaces: {leg.id};to-tag={ours};from-tag={leg.tag}")
    unknown = t.invite("600", f"Replaces: {tag()};to-tag={ours};from-tag={leg.tag}")
    equal((theirs.status, unknown.status), (481, 481), "Replaces")
    equal(t.w.live()[0]["id"], call, "the call after that")
    # and the other way: acme's call may not be sent to globex
    target = f"sip:700@{OTHER_ADDRESS}:{t.other_port}"
    equal(leg.refer(target).status, 403, "REFER to another tenant's gateway")
    for body in ({"gateway": "globex-pbx"}, {"uri": target}):
        for token in (ACME, ADMIN):
            equal(t.w.post(f"/v1/calls/{call}/transfer", body, token=token)[0], 422, f"transfer to {body}")
            equal(t.w.post("/v1/calls", {"to": "+447700900555", "number": NUMBER, **body}, token=token)[0], 422, f"a call to {body}")
    equal(t.w.post("/v1/calls", {"to": USER, "number": NUMBER, "gateway": "pbx"}, token=GLOBEX)[0], 422, "from acme's number")
    t.end()


def story_a_number_moves_under_a_call(rig):
    """No more calls than the tenant may have; and the one there is stays acme's to its end."""
    t = Two(rig, tenants=[{**TENANTS[0], "max_calls": 1}, TENANTS[1]])
    call = t.wait_call()
    status, answer = t.w.post("/v1/calls", {"to": "+447700900555", "gateway": "pbx"}, token=ACME)
    equal((status, answer["type"]), (429, "/problems/limit-reached"), "one call more")
    moved = [{**t.config["numbers"][0], "tenant": "globex"}, t.config["numbers"][1]]
    write(t.w, rig.config(**{**t.config, "numbers": moved, "dialplan": RULES[:2] + RULES[2:3]}))
    equal(t.w.post("/v1/reload", token=ACME)[0], 404, "reload by a tenant")
    equal(t.w.post("/v1/reload")[0], 200, "reload")
    equal([c["id"] for c in t.w.admin("GET", "/v1/calls", token=ACME)[1]["calls"]], [call], "acme's calls")
    equal(t.w.admin("GET", "/v1/calls", token=GLOBEX)[1]["calls"], [], "globex's calls")
    equal(t.w.post(f"/v1/calls/{call}/hold", {"on": True}, token=GLOBEX)[0], 404, "hold by the number's new tenant")
    t.end()
    expect_record(t.w.wait_records(1)[0], tenant="acme", gateway="pbx")


if __name__ == "__main__":
    main()
