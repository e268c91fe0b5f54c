#!/usr/bin/python3
"""metasim as Meta for business-initiated calls, permission and messages: what it refuses, what it answers, what its webhooks
tell. No watrunk: the business is this program, which has no media.

usage: metasim_cases.py METASIM [CASE ...]
"""
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "scripts"))
from ports import Ports  # noqa: E402

METASIM = sys.argv.pop(1)
WAIT_S = 20
PORTS = Ports()
SECRET, TOKEN, ID, ANA, BEN = "app-secret", "graph-token", "310000000000002", "447700900123", "447700900124"
FINGERPRINT = ":".join(["AB"] * 32)
OFFER = "\r\n".join([
    "v=0", "o=- 4000000001 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=audio 40000 UDP/TLS/RTP/SAVPF 111 126",
    "c=IN IP4 127.0.0.1", "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host", "a=ice-ufrag:OurU",
    "a=ice-pwd:OurPwd0123456789abcdefgh", f"a=fingerprint:sha-256 {FINGERPRINT}", "a=setup:actpass", "a=mid:0", "a=sendrecv",
    "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000", "a=ptime:20", "a=ssrc:2000000001 cname:b2bua",
    ""])


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


def equal(got, want, what):
    check(got == want, f"{what}: {got!r}, expected {want!r}")


class Hook(http.server.BaseHTTPRequestHandler):
    """The business's webhook: checks the signature, keeps the change, answers as the case wants."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        want = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        ours = self.headers["X-Hub-Signature-256"] == want
        change = json.loads(body)["entry"][0]["changes"][0]
        sim = self.server.sim
        status = 401 if not ours else sim.next_status(change["field"])
        sim.hooks.put((change["field"], change["value"], status))     # metasim goes on as soon as it is answered
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.close_connection = True    # no answer at all

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass    # metasim is gone: its connections are


class Sim:
    def __init__(self, **plan):
        self.hooks, self.kept, self.statuses, self.lines = queue.Queue(), [], [], []
        self.server = Server(("127.0.0.1", 0), Hook)
        self.server.sim = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = PORTS.one()
        self.plan = {"webhook_url": f"http://127.0.0.1:{self.server.server_port}/webhook", "app_secret": SECRET, "token": TOKEN,
                     "serve": True, "statuses": False, **plan}
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as f:
            json.dump(self.plan, f)
        self.path = f.name
        self.popen = subprocess.Popen([METASIM, "--graph", f"127.0.0.1:{self.port}", "--plan", self.path, "--timeline", "--limit",
                                       "60"], stdout=subprocess.PIPE, text=True)
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                check(self.popen.poll() is None and time.monotonic() < deadline, "metasim does not listen")
                time.sleep(0.01)

    def read(self):
        for line in self.popen.stdout:
            with self.changed:
                self.lines.append(json.loads(line))
                self.changed.notify_all()

    def next_status(self, field):
        return self.statuses.pop(0) if self.statuses and field == "messages" else 200

    def event(self, name, count=1):
        deadline = time.monotonic() + WAIT_S
        with self.changed:
            while True:
                found = [l for l in self.lines if l.get("event") == name]
                if len(found) >= count:
                    return found[count - 1]
                check(time.monotonic() < deadline, f"no event {name}; there were {[l.get('event') for l in self.lines]}")
                self.changed.wait(0.2)

    def hook(self, wanted, what):
        """The first webhook, kept or new, for which wanted(field, value, status)."""
        deadline = time.monotonic() + WAIT_S
        for i, kept in enumerate(self.kept):
            if wanted(*kept):
                return self.kept.pop(i)[1]
        while True:
            try:
                got = self.hooks.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise Failure(f"no webhook {what}; there were {self.kept}") from None
            if wanted(*got):
                return got[1]
            self.kept.append(got)

    def call_event(self, event):
        return self.hook(lambda f, v, s: f == "calls" and v.get("calls", [{}])[0].get("event") == event, event)["calls"][0]

    def call_status(self, status):
        return self.hook(lambda f, v, s: f == "calls" and v.get("statuses", [{}])[0].get("status") == status, status)["statuses"][0]

    def message(self, status=200):
        return self.hook(lambda f, v, s: f == "messages" and "messages" in v and s == status, "message")["messages"][0]

    def http(self, method, path, body=None, token=TOKEN):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            return response.status, text
        finally:
            connection.close()

    def post(self, thing, **body):
        """(0, answer) or (Meta's code, its details)"""
        status, text = self.http("POST", f"/v25.0/{ID}/{thing}", json.dumps({"messaging_product": "whatsapp", **body}))
        answer = json.loads(text)
        if status == 200:
            return 0, answer
        return answer["error"]["code"], answer["error"]["error_data"]["details"]

    def connect(self, to=ANA, sdp=OFFER, sdp_type="offer", **more):
        return self.post("calls", action="connect", to=to, session={"sdp_type": sdp_type, "sdp": sdp}, **more)

    def call(self, **how):
        code, answer = self.connect(**how)
        equal(code, 0, f"connect ({answer})")
        return answer["calls"][0]["id"]

    def end(self, wacid):
        return self.post("calls", action="terminate", call_id=wacid)

    def permission(self, query=f"user_wa_id={ANA}"):
        status, text = self.http("GET", f"/v25.0/{ID}/call_permissions?{query}")
        equal(status, 200, "GET call_permissions")
        return json.loads(text)

    def text(self, to=ANA, body="hello"):
        return self.post("messages", recipient_type="individual", to=to, type="text", text={"body": body})

    def ask(self, to=ANA, **more):
        return self.post("messages", to=to, type="interactive", interactive={
            "type": "call_permission_request", "action": {"name": "call_permission_request"}, "body": {"text": "May we?"}, **more})

    def button(self, to=ANA, **parameters):
        return self.post("messages", to=to, type="interactive", interactive={
            "type": "voice_call", "body": {"text": "Tap"},
            "action": {"name": "voice_call", "parameters": {"display_text": "Call now", **parameters}}})

    def template(self, name, parameters=(), to=ANA, language="en_US"):
        return self.post("messages", to=to, type="template", template={
            "name": name, "language": {"code": language},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": p} for p in parameters]}]})

    def act(self, **step):
        return self.http("POST", "/metasim/steps", json.dumps(step))[0]

    def report(self):
        self.popen.send_signal(signal.SIGTERM)
        self.popen.wait(WAIT_S)
        self.reader.join(WAIT_S)
        return self.lines[-1]

    def close(self):
        """Ended by SIGTERM: the sanitizers of its build have the last word."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.reader.join(WAIT_S)
        self.popen.stdout.close()
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)


def ana(**more):
    return {"number": ANA, "user_id": "GB.1", **more}


# ---- calls ----

def case_connect_is_strict():
    sim = yield {"users": [ana(permission="permanent")]}
    faults = [
        (OFFER.replace("\r\n", "\n"), "CRLF"), (OFFER.replace("a=setup:actpass", "a=setup:passive"), "setup"),
        (OFFER.replace("sha-256", "sha-1"), "SHA-256"), (OFFER + f"a=fingerprint:sha-512 {FINGERPRINT}\r\n", "one fingerprint"),
        (OFFER.replace("m=audio", "a=ice-lite\r\nm=audio"), "full ICE agent"), (OFFER.replace("111", "96"), "111"),
        (OFFER.replace("a=mid:0\r\n", ""), "mid"), (OFFER.replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
        (OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "profile"), (OFFER + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "m=audio"),
        (OFFER.replace("a=sendrecv", "a=sendonly"), "sendrecv"), ("hello\r\n", "parsed")]
    for sdp, words in faults:
        code, details = sim.connect(sdp=sdp)
        equal(code, 100, f"code for {words}")
        check(words in details, f"details {details!r}, expected {words!r}")
    equal(sim.connect(sdp_type="answer")[0], 100, "sdp_type answer")
    equal(sim.connect(to="+" + ANA)[0], 100, "to with a plus sign")
    equal(sim.connect(to=None)[0], 100, "no receiver")
    equal(sim.connect(biz_opaque_callback_data="x" * 513)[0], 100, "long opaque data")
    equal(sim.connect(biz_opaque_callback_data=5)[0], 100, "opaque data that is no text")
    equal(sim.post("calls", action="connect", to=ANA)[0], 100, "no session")
    equal(sim.http("POST", f"/v25.0/{ID}/calls", "{}", token="wrong")[0], 401, "wrong token")
    check(sim.call(biz_opaque_callback_data="é" * 512), "512 characters are allowed")


def case_answered_and_ended_by_us():
    sim = yield {"users": [ana(permission="temporary", answer_after_ms=50)]}
    wacid = sim.call(biz_opaque_callback_data="leg-1")
    connect = sim.call_event("connect")
    equal((connect["id"], connect["direction"], connect["from"], connect["to"], connect["biz_opaque_callback_data"]),
          (wacid, "BUSINESS_INITIATED", "12025550123", ANA, "leg-1"), "connect")
    equal(connect["session"]["sdp_type"], "answer", "sdp_type")
    sdp = connect["session"]["sdp"]
    check("\r\na=mid:0\r\n" in sdp and "a=ice-lite\r\n" in sdp and "a=setup:passive\r\n" in sdp, sdp)
    for status in ("RINGING", "ACCEPTED"):
        item = sim.call_status(status)
        equal((item["id"], item["type"], item["recipient_id"], item["biz_opaque_callback_data"]), (wacid, "call", ANA, "leg-1"),
              status)
    equal(sim.post("calls", action="accept", call_id=wacid)[0], 100, "accept of our own call")
    equal(sim.end(wacid)[0], 0, "terminate")
    end = sim.call_event("terminate")
    check("start_time" in end and end["status"] == "COMPLETED", f"terminate: {end}")
    equal(sim.end(wacid)[0], 100, "terminate of a call that is over")
    call, = sim.report()["calls"]
    equal((call["ended_by"], call["direction"], call["user"], call["opaque"]), ("business", "business_initiated", ANA, "leg-1"),
          "report")


def case_rejected():
    sim = yield {"users": [ana(permission="permanent", on_call="reject", answer_after_ms=10)]}
    sim.call()
    sim.call_status("REJECTED")
    end = sim.call_event("terminate")
    check("start_time" not in end and end["status"] == "COMPLETED", f"terminate: {end}")


def case_nobody_answers():
    sim = yield {"users": [ana(permission="permanent", on_call="ignore")], "outbound": {"ring_ms": 100}}
    sim.call()
    sim.call_status("RINGING")
    check("start_time" not in sim.call_event("terminate"), "start_time of a call nobody answered")
    sim.event("unanswered")


def case_given_up_while_ringing():
    sim = yield {"users": [ana(permission="permanent", on_call="ignore")]}
    wacid = sim.call()
    sim.call_status("RINGING")
    equal(sim.end(wacid)[0], 0, "terminate")
    check("start_time" not in sim.call_event("terminate"), "start_time")
    equal(sim.event("ended")["detail"], "business", "ended by")


def case_answered_by_hand():
    sim = yield {"users": [ana(permission="permanent", on_call="ignore", steps=[{"on": "answered", "at_ms": 20, "hang_up": True}])]}
    sim.call()
    sim.call_status("RINGING")
    sim.act(user=ANA, answer=True)
    sim.call_status("ACCEPTED")
    equal(sim.event("ended")["detail"], "user", "ended by")
    check("start_time" in sim.call_event("terminate"), "no start_time")
    sim.call()
    sim.event("ringing", 2)
    sim.act(user=ANA, decline=True)
    sim.call_status("REJECTED")


def case_given_up_before_connect():
    sim = yield {"users": [ana(permission="permanent")], "outbound": {"connect_after_ms": 30000}}
    equal(sim.end(sim.call())[0], 0, "terminate")
    sim.call_event("terminate")
    check(not any("session" in str(k) for k in sim.kept), "connect after the end")


def case_connect_overtakes_the_response():
    sim = yield {"users": [ana(permission="permanent")], "outbound": {"connect_before_response": True}}
    wacid = sim.call(biz_opaque_callback_data="leg-9")
    check(not sim.hooks.empty(), "the response came before the webhook")
    equal(sim.call_event("connect")["id"], wacid, "wacid")


def case_dtls_roles():
    for role, offered, setup in (("active", "actpass", "active"), ("actpass", "actpass", "actpass"), ("passive", "actpass", "passive"),
                                 ("active", "active", "passive")):
        sim = yield {"users": [ana(permission="permanent")], "outbound": {"dtls": role}}
        sim.call(sdp=OFFER.replace("a=setup:actpass", f"a=setup:{offered}"))
        check(f"a=setup:{setup}\r\n" in sim.call_event("connect")["session"]["sdp"], f"setup of role {role}, offer {offered}")


def case_without_media():
    sim = yield {"users": [ana(permission="permanent", answer_after_ms=0)], "no_media_ms": 300}
    sim.call()
    end = sim.call_event("terminate")
    equal((end["status"], end["errors"][0]["code"]), ("FAILED", 138021), "terminate")


def case_lost_webhooks():
    sim = yield {"users": [ana(permission="permanent", answer_after_ms=10)], "outbound": {"lose": "accepted"}}
    wacid = sim.call()
    sim.event("accepted")
    sim.end(wacid)
    sim.call_event("terminate")
    check(not any("ACCEPTED" in str(k) for k in sim.kept), "ACCEPTED was to be lost")


def case_reordered_webhooks():
    sim = yield {"users": [ana(permission="permanent", on_call="ignore")], "webhook": {"reorder_ms": 400, "duplicates": 1}}
    sim.call()
    sim.call_event("connect")
    equal(len([k for k in sim.kept if "RINGING" in str(k)]), 2, "RINGING, twice, before connect")


# ---- whom one may call ----

def case_permission_is_needed():
    sim = yield {"users": [ana()], "limits": {"permission_s": 2}}
    equal(sim.connect()[0], 138006, "without permission")
    sim.act(user=ANA, reply="accept")
    sim.event("permission_reply")
    sim.end(sim.call())
    sim.call_event("terminate")
    deadline = time.monotonic() + WAIT_S
    while sim.connect()[0] != 138006:
        check(time.monotonic() < deadline, "the permission does not expire")
        sim.event("ended")
        time.sleep(0.2)
    equal(sim.permission()["permission"], {"status": "no_permission"}, "call_permissions")


def case_limits_of_calls():
    sim = yield {"users": [ana(permission="permanent", answer_after_ms=0), {"number": BEN, "permission": "permanent"},
                           {"number": "447700900125", "uncallable": True, "permission": "permanent"}],
                 "limits": {"calls_per_day": 1, "concurrent": 1}}
    equal(sim.connect(to="447700900125")[0], 138001, "an uncallable user")
    equal(sim.connect(to="447700900199")[0], 138001, "nobody's number")
    wacid = sim.call()
    sim.event("accepted")
    equal(sim.connect(to=BEN)[0], 138002, "more calls than allowed")
    equal(sim.connect()[0], 138012, "as many connected calls as allowed")
    start = sim.permission()["actions"][1]
    equal((start["action_name"], start["can_perform_action"], start["limits"][0]["current_usage"]), ("start_call", False, 1), "action")
    check("limit_expiration_time" in start["limits"][0], f"{start}")
    sim.end(wacid)
    sim.call(to=BEN)
    equal(sim.connect(to=BEN)[0], 138003, "a second call with the user")


def case_by_scoped_id():
    sim = yield {"users": [ana(permission="permanent")], "webhook": {"no_identity": True}}
    sim.call(to=None, recipient="GB.1")
    connect = sim.call_event("connect")
    check("to" not in connect and connect["to_user_id"] == "GB.1", f"{connect}")
    item = sim.call_status("RINGING")
    check("recipient_id" not in item and item["recipient_user_id"] == "GB.1", f"{item}")
    equal(sim.permission("recipient=GB.1")["permission"]["status"], "permanent", "call_permissions")


def case_four_unanswered_calls():
    sim = yield {"users": [ana(permission="permanent", on_call="reject", answer_after_ms=0, ring_after_ms=0)]}
    for n in range(1, 5):
        sim.call()
        sim.event("ended", n)
    reply = sim.message()
    equal(reply["interactive"]["call_permission_reply"], {"response": "reject", "response_source": "automatic"}, "reply")
    check("context" not in reply, "context of an automatic reject")
    equal(sim.connect()[0], 138006, "after four unanswered calls")


# ---- messages ----

def case_permission_asked_and_given():
    sim = yield {"users": [ana(window_open=True, on_request="accept", reply_after_ms=50)]}
    code, answer = sim.ask()
    equal(code, 0, f"request ({answer})")
    wamid = answer["messages"][0]["id"]
    message = sim.message()
    reply = message["interactive"]["call_permission_reply"]
    equal((message["context"]["id"], reply["response"], reply["is_permanent"], reply["response_source"]),
          (wamid, "accept", False, "user_action"), "reply")
    check(reply["expiration_timestamp"] > time.time() + 6 * 86400, "expiry")
    answer = sim.permission()
    equal(answer["permission"]["status"], "temporary", "status")
    equal(answer["permission"]["expiration_time"], reply["expiration_timestamp"], "expiry")
    ask = answer["actions"][0]
    equal((ask["action_name"], ask["can_perform_action"], ask["limits"][0]["current_usage"], ask["limits"][1]["current_usage"]),
          ("send_call_permission_request", False, 1, 1), "action")
    equal(sim.ask()[0], 138009, "a second request on the same day")
    wacid = sim.call()
    sim.event("accepted")
    sim.end(wacid)
    equal(sim.ask()[0], 0, "a request after a connected call")


def case_permission_refused_and_permanent():
    sim = yield {"users": [ana(window_open=True, on_request="reject"),
                           {"number": BEN, "window_open": True, "permission": "permanent"}]}
    equal(sim.ask(header={"type": "text", "text": "x"})[0], 100, "a request with a header")
    equal(sim.ask()[0], 0, "request")
    equal(sim.message()["interactive"]["call_permission_reply"]["response"], "reject", "response")
    equal(sim.connect()[0], 138006, "after a refusal")
    equal(sim.ask(to=BEN)[0], 138017, "a request to whom has allowed it for good")


def case_window():
    sim = yield {"users": [ana()], "templates": [{"name": "may_we", "permission_request": True}, {"name": "bye", "parameters": 2}]}
    equal(sim.text()[0], 131047, "text outside the window")
    equal(sim.ask()[0], 131047, "request outside the window")
    equal(sim.button()[0], 131047, "call button outside the window")
    equal(sim.template("bye", ("a", "b"))[0], 0, "template outside the window")
    equal(sim.template("bye", ("a",))[0], 132000, "template with too few parameters")
    equal(sim.template("nothing")[0], 132001, "an unknown template")
    equal(sim.template("bye", ("a", "b"), language="pt_BR")[0], 132001, "an unknown language")
    equal(sim.template("may_we")[0], 0, "request by template")
    equal(sim.template("may_we")[0], 138009, "a second one")
    equal(sim.text(to="447700900199")[0], 131026, "nobody's number")
    equal(sim.act(user=ANA, text="call me"), 200, "step")
    equal(sim.message()["text"]["body"], "call me", "text")
    equal(sim.text()[0], 0, "text inside the window")
    report = sim.report()["messages"]
    equal([m["kind"] for m in report if m["error_code"] == 0], ["template", "template", "text"], "messages taken")
    equal(len(report), 11, "messages in the report")


def case_call_button():
    sim = yield {"users": [ana(window_open=True, steps=[{"on": "call_button", "at_ms": 20, "call": True}])]}
    equal(sim.button(display_text="x" * 21)[0], 100, "a long button text")
    equal(sim.button(ttl_minutes=43201)[0], 100, "a long life")
    equal(sim.button(payload="x" * 513)[0], 100, "a long payload")
    equal(sim.button(payload="escalation-9", ttl_minutes=60)[0], 0, "call button")
    connect = sim.call_event("connect")
    equal((connect["direction"], connect["cta_payload"], connect["session"]["sdp_type"]),
          ("USER_INITIATED", "escalation-9", "offer"), "connect")
    equal(sim.connect()[0], 138006, "calling us grants nothing by itself")
    sim.act(user=ANA, hang_up=True)
    sim.call_event("terminate")


def case_users_act():
    sim = yield {"users": [ana(callback_permission=True, steps=[
        {"at_ms": 10, "text": "ligação"}, {"at_ms": 20, "button": "b-1", "title": "Yes"},
        {"at_ms": 30, "list_reply": "row-2", "title": "Sales"}, {"at_ms": 40, "grant": True}])]}
    came = {}
    for _ in range(4):      # each on a connection of its own, and so in any order
        message = sim.message()
        came[message["interactive"]["type"] if message["type"] == "interactive" else message["type"]] = message
    equal(came["text"]["text"]["body"], "ligação", "text")
    equal(came["button"]["button"], {"payload": "b-1", "text": "Yes"}, "button")
    equal(came["list_reply"]["interactive"]["list_reply"], {"id": "row-2", "title": "Sales"}, "list reply")
    reply = came["call_permission_reply"]["interactive"]["call_permission_reply"]
    equal((reply["response"], reply["is_permanent"], reply["response_source"], "context" in came["call_permission_reply"]),
          ("accept", True, "user_action", False), "permission from the profile")
    sim.act(user=ANA, revoke=True)
    sim.event("permission_revoked")
    equal(sim.connect()[0], 138006, "after the permission was taken back")
    sim.act(user=ANA, call=True)
    message = sim.message()
    reply = message["interactive"]["call_permission_reply"]
    equal((reply["response"], reply["response_source"], message["context"]["id"]),
          ("accept", "automatic", sim.call_event("connect")["id"]), "permission by calling us")
    equal(sim.act(user="1", text="x"), 404, "an unknown user")
    equal(sim.act(user=ANA, txt="x"), 400, "an unknown deed")


def case_messages_come_again():
    sim = yield {"users": [ana()], "webhook": {"retry_ms": 20}}
    sim.statuses[:] = [503, None, 500]
    sim.act(user=ANA, text="call me")
    first, again = sim.message(status=503), sim.message()
    equal(first["id"], again["id"], "the id of a message that comes again")
    equal(len([k for k in sim.kept if k[0] == "messages"]), 2, "deliveries between")


def case_messages_do_not_come_for_ever():
    sim = yield {"users": [ana()], "webhook": {"retry_ms": 5, "retries": 2}, "serve": False, "linger_ms": 200}
    sim.statuses[:] = [503] * 10
    sim.act(user=ANA, text="call me")
    sim.popen.wait(WAIT_S)
    equal(len(sim.statuses), 7, "tries left of ten")


def case_graph_faults():
    sim = yield {"users": [ana(permission="permanent", window_open=True)],
                 "graph": {"connect": {"fail_http": 500, "fail_code": 138004, "fail_times": 1},
                           "messages": {"fail_http": 429, "fail_code": 130429, "fail_times": 1},
                           "call_permissions": {"fail_http": 429, "fail_code": 613, "fail_times": 1}}}
    equal((sim.connect()[0], sim.text()[0]), (138004, 130429), "codes")
    equal(sim.http("GET", f"/v25.0/{ID}/call_permissions?user_wa_id={ANA}")[0], 429, "call_permissions")
    sim.call()
    equal(sim.text()[0], 0, "text")
    sim.permission()
    equal(sim.http("GET", f"/v25.0/{ID}/call_permissions")[0], 400, "call_permissions of nobody")
    equal(sim.permission("user_wa_id=447700900199")["permission"]["status"], "no_permission", "nobody's number")


def tell(name, case):
    plans = case()
    plan = next(plans)
    while True:
        sim = Sim(**plan)
        try:
            plan = plans.send(sim)
        except StopIteration:
            return
        finally:
            sim.close()
            code = sim.popen.returncode
            check(code in (0, 1), f"metasim's exit code {code}")


def main():
    cases = {n[len("case_"):]: c for n, c in globals().items() if n.startswith("case_")}
    wanted = sys.argv[1:] or list(cases)
    failed = 0
    for name in wanted:
        try:
            tell(name, cases[name])
            print(f"ok     {name}", flush=True)
        except Failure as fault:
            failed += 1
            print(f"FAILED {name}: {fault}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
