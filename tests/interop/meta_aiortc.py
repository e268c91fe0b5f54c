#!/usr/bin/python3
"""Plays Meta and one WhatsApp user who calls the business, in one process, without any code of the bridge.

Signalling: an HTTP Graph endpoint, and signed webhooks to the bridge. Media: an ICE-lite WebRTC end (meta_webrtc.py).
The user speaks a WAV file once the first packet of the business has come, and what the user hears is written to another.
Prints one JSON object with everything that was seen; exit status 0 when the call went well and no rule was broken.

    meta_aiortc.py --graph-port 8101 --webhook http://127.0.0.1:8102/webhook --play user.wav --record heard.wav

Runs with Debian's python3-aiortc and the standard library.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import secrets
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from meta_sdp import check_answer, make_sdp
from meta_webrtc import Relay, Watch

WABA_ID = "210000000000001"
LINGER_S = 1.0  # after the end: what the bridge still sends is seen


def graph_error(status, code, message, details=""):
    return status, {"error": {"message": "(#%d) %s" % (code, message), "type": "OAuthException", "code": code,
                              "error_data": {"messaging_product": "whatsapp", "details": details},
                              "fbtrace_id": "AinteropTrace"}}


SUCCESS = 200, {"messaging_product": "whatsapp", "success": True}


class Webhooks:
    """Meta's side of the webhook: the handshake, and signed posts."""

    def __init__(self, args, watch):
        self.args, self.watch, self.log = args, watch, []

    def _request(self, request):
        try:
            with urllib.request.urlopen(request, timeout=20) as response:  # Meta: about 20 s
                return response.status, response.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    async def _send(self, name, request):
        """Status and body; tries again while nobody listens, as long as the call may still be set up."""
        loop = asyncio.get_running_loop()
        reached = any(entry["status"] for entry in self.log)
        end = time.monotonic() + (1 if reached else self.args.connect_deadline)
        attempts = 0
        while True:
            attempts += 1
            began = time.monotonic()
            try:
                status, body = await loop.run_in_executor(None, self._request, request)
                break
            except OSError as e:
                if time.monotonic() > end:
                    self.watch.violation("webhook %s: %s" % (name, e))
                    status, body = 0, b""
                    break
                await asyncio.sleep(0.1)
        took_ms = round((time.monotonic() - began) * 1000)
        self.log.append({"webhook": name, "status": status, "took_ms": took_ms, "attempts": attempts})
        return status, body

    async def handshake(self):
        challenge = str(secrets.randbelow(10**10))
        query = urllib.parse.urlencode({"hub.mode": "subscribe", "hub.challenge": challenge,
                                        "hub.verify_token": self.args.verify_token})
        status, body = await self._send("verify", urllib.request.Request(self.args.webhook + "?" + query))
        if status != 200 or body != challenge.encode():
            self.watch.violation("the verification handshake got %d %r" % (status, body[:40]))

    async def call_event(self, name, call):
        """One `calls` webhook. Retries of a delivery that failed are Meta's, so a status other than 200 is a fault."""
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": self.args.business.lstrip("+"),
                         "phone_number_id": self.args.phone_number_id},
            "contacts": [{"profile": {"name": self.args.user_name}, "wa_id": self.args.user}],
            "calls": [call],
        }
        if "errors" in call:
            value["errors"] = call["errors"]
        return await self.post(name, value)

    async def post(self, name, value):
        body = json.dumps({"object": "whatsapp_business_account",
                           "entry": [{"id": WABA_ID, "changes": [{"field": "calls", "value": value}]}]}).encode()
        signature = hmac.new(self.args.app_secret.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(self.args.webhook, data=body, headers={
            "Content-Type": "application/json", "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": "sha256=" + signature})
        self.watch.event("webhook_" + name)
        status, _ = await self._send(name, request)
        if status != 200:
            self.watch.violation("webhook %s was answered %d" % (name, status))
        return status == 200


class UserCall:
    """One user-initiated call as Meta keeps it. States: offered, pre_accepted, accepted, ended."""

    def __init__(self, args, dtls_role="server"):
        self.args = args
        self.watch = Watch()
        self.webhooks = Webhooks(args, self.watch)
        self.relay = Relay(self.watch, args.play, args.record, dtls_role)
        self.wacid = "wacid." + secrets.token_urlsafe(66).replace("_", "/").replace("-", "+") + "=="
        self.state = "new"
        self.verbs, self.answer_sdp, self.offer_sdp = [], "", ""
        self.accepted = asyncio.Event()
        self.ended = asyncio.Event()
        self.ended_by = ""
        self.started_at = 0
        self._tasks = []

    # ---- what the business asks for ----

    async def graph(self, method, path, headers, body):
        """(status, object, action) for one request."""
        if headers.get("authorization") != "Bearer " + self.args.token:
            self.watch.violation("%s %s without the access token" % (method, path))
            return *graph_error(401, 190, "Invalid OAuth access token"), ""
        if (method, path.split("?")[0]) != ("POST", "/v25.0/%s/calls" % self.args.phone_number_id):
            self.watch.violation("request that Meta does not know: %s %s" % (method, path))
            return *graph_error(400, 100, "Unsupported request"), ""
        try:
            request = json.loads(body)
            action = request["action"]
        except (ValueError, KeyError, TypeError):
            self.watch.violation("the body is not JSON with an action")
            return *graph_error(400, 100, "Invalid parameter"), ""
        self.watch.event("graph_" + str(action))
        if not headers.get("content-type", "").startswith("application/json"):
            self.watch.violation("Content-Type is %r" % headers.get("content-type"))
        status, reply = self._perform(action, request)
        self.verbs.append({"action": action, "t_ms": self.watch.ms(), "status": status})
        return status, reply, action

    def _perform(self, action, request):
        if request.get("messaging_product") != "whatsapp" or request.get("call_id") != self.wacid:
            self.watch.violation("%s: messaging_product or call_id is wrong" % action)
            return graph_error(400, 100, "Invalid parameter", "call_id")
        if action in ("pre_accept", "accept"):
            return self._take_answer(action, request)
        if action in ("reject", "terminate"):
            return self._end_by_business(action)
        self.watch.violation("action %r" % action)
        return graph_error(400, 100, "Invalid parameter", "action")

    def _take_answer(self, action, request):
        if self.state not in ("offered", "pre_accepted") or (action, self.state) == ("pre_accept", "pre_accepted"):
            self.watch.violation("%s in state %s" % (action, self.state))
            return graph_error(400, 100, "Invalid parameter", "the call is %s" % self.state)
        session = request.get("session") or {}
        text = session.get("sdp", "")
        if session.get("sdp_type") != "answer":
            self.watch.violation("%s: sdp_type is %r, expected answer" % (action, session.get("sdp_type")))
            return graph_error(400, 100, "Invalid parameter", "sdp_type")
        if self.state == "pre_accepted" and text != self.answer_sdp:
            self.watch.violation("accept carries another SDP than pre_accept")
            return graph_error(400, 138008, "SDP differs from the one in pre_accept")
        if self.state == "offered":
            answer, faults = check_answer(text)
            self.answer_sdp = text
            for fault in faults:
                self.watch.violation("%s: %s" % (action, fault))
            if faults:
                return graph_error(400, 138008, "Provided SDP is invalid", "; ".join(faults))
            self.relay.start(answer)
        self.state = "pre_accepted" if action == "pre_accept" else "accepted"
        return SUCCESS

    def _end_by_business(self, verb):
        if self.state == "ended":
            return graph_error(400, 100, "Invalid parameter", "the call has ended already")
        # Meta: reject is for a call it has heard nothing else about; once pre_accept was sent, terminate ends it
        if (verb == "reject") != (self.state == "offered"):
            self.watch.violation("%s in state %s" % (verb, self.state))
        self._end("business")
        self._later(self._terminate_webhook())
        return SUCCESS

    # ---- what happens by itself ----

    def parties(self):
        """What every webhook of the call tells."""
        return {"id": self.wacid, "from": self.args.user, "to": self.args.business.lstrip("+"), "direction": "USER_INITIATED"}

    def _later(self, coroutine):
        self._tasks.append(asyncio.ensure_future(coroutine))

    def _end(self, who):
        self.state, self.ended_by = "ended", who
        self.watch.over = True
        self.watch.event("ended", by=who)
        self.ended.set()

    def replied(self, action, status):
        """The response has been written out."""
        if action == "accept" and status == 200:
            self.watch.media_allowed = True
            self.watch.event("accepted")
            self.started_at = int(time.time())
            self.accepted.set()

    async def _terminate_webhook(self, error=None):
        now = int(time.time())
        call = {**self.parties(), "event": "terminate", "timestamp": str(now), "status": "FAILED" if error else "COMPLETED"}
        if self.started_at:
            call.update(start_time=str(self.started_at), end_time=str(now), duration=now - self.started_at)
        if error:
            call["errors"] = [{"code": error, "title": "Call failed", "message": "Call failed",
                               "error_data": {"details": "no media from the business"}}]
        await self.webhooks.call_event("terminate", call)

    async def _within(self, event, seconds):
        """Wait for `event`; False when the call ended or the time was over first."""
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self.ended.wait())]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for w in waits:
            w.cancel()
        return event.is_set() and not self.ended.is_set()

    async def run(self):
        host, port, ufrag, pwd, fingerprint, ssrc = await self.relay.gather()
        self.offer_sdp = make_sdp(host, port, ufrag, pwd, fingerprint, ssrc)
        await self.webhooks.handshake()
        self.state = "offered"
        self.watch.zero = time.monotonic()
        delivered = await self.webhooks.call_event("connect", {
            **self.parties(), "event": "connect", "timestamp": str(int(time.time())),
            "deeplink_payload": self.args.payload, "session": {"sdp_type": "offer", "sdp": self.offer_sdp}})
        if delivered:
            await self._talk()
        if not self.ended.is_set():  # nothing came of it
            self._end("meta")
            await self._terminate_webhook(138021 if self.accepted.is_set() else None)
        await self.linger()

    async def linger(self):
        await asyncio.sleep(LINGER_S)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.relay.stop()

    async def _press_keys(self):
        if not await self._within(asyncio.Event(), self.args.keys_after) and not self.ended.is_set():
            self.watch.event("user_presses", keys=self.args.keys)
            self.relay.keypad.press(self.args.keys)

    async def _talk(self):
        if not await self._within(self.accepted, self.args.give_up or self.args.accept_window):
            if self.args.give_up and not self.ended.is_set():
                self._end("user")
                await self._terminate_webhook()
            elif not self.ended.is_set():
                self.watch.violation("not accepted within %g s" % self.args.accept_window)
            return
        await self._converse()

    async def _converse(self):
        if not await self._within(self.watch.first_media, self.args.media_window):
            self.watch.violation("no media from the business within %g s of accept" % self.args.media_window)
            return
        self.relay.microphone.speak.set()
        self.watch.event("user_speaks")
        if self.args.keys:
            self._later(self._press_keys())
        if self.args.hangup == "user":
            if await self._within(asyncio.Event(), self.args.talk) or self.ended.is_set():
                self.watch.violation("the business ended the call before the user did")
                return
            self._end("user")
            await self._terminate_webhook()
        else:
            await self._within(self.ended, self.args.talk + 20)
            if not self.ended.is_set():
                self.watch.violation("the business did not hang up")

    def report(self):
        watch = self.watch
        if self.started_at and not watch.rx["rtcp"].get("sr"):
            watch.violation("no RTCP sender report from the business")
        return {
            "ok": bool(self.started_at) != self.args.unanswered and self.ended_by == self.args.hangup and not watch.violations,
            "ended_by": self.ended_by, "wacid": self.wacid, "violations": watch.violations,
            "events": watch.events, "verbs": self.verbs, "webhooks": self.webhooks.log,
            "ice": {"checks": watch.checks, "checks_before_answer": watch.checks_before_answer},
            "heard": watch.rx, "sent": {"frames": self.relay.microphone.frames},
            "offer_sdp": self.offer_sdp, "answer_sdp": self.answer_sdp,
        }


async def read_request(reader):
    """(method, path, headers, body) of one HTTP/1.1 request, None at the end of the connection."""
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while True:
        header = (await reader.readline()).decode("latin-1").strip()
        if not header:
            break
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return line[0], line[1], headers, body


async def serve_graph(call, args):
    async def connection(reader, writer):
        try:
            while True:
                request = await read_request(reader)
                if not request:
                    break
                if request[0] == "HEAD":  # a connection opened before it is needed: says nothing, asks nothing
                    writer.write(b"HTTP/1.1 400 Error\r\nContent-Length: 0\r\n\r\n")
                    continue
                status, reply, action = await call.graph(*request)
                await asyncio.sleep(args.graph_delay_ms / 1000)  # the way to Meta and back
                text = json.dumps(reply).encode()
                writer.write(b"HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
                             % (status, b"OK" if status == 200 else b"Error", len(text)) + text)
                call.replied(action, status)  # before any await: what comes now may be the answer to it
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(connection, "127.0.0.1", args.graph_port)


async def main(args, kind):
    call = kind(args)
    server = await serve_graph(call, args)
    run = asyncio.ensure_future(call.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.cancel)
    try:
        await asyncio.wait_for(run, args.deadline)
    except (asyncio.TimeoutError, asyncio.CancelledError):
        call.watch.violation("stopped, or not over within %g s" % args.deadline)
    server.close()
    report = call.report()
    print(json.dumps(report, indent=1))
    return 0 if report["ok"] else 1


def argument_parser(description):
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--graph-port", type=int, required=True, help="where the Graph API listens, on 127.0.0.1")
    p.add_argument("--webhook", required=True, help="URL of the bridge's webhook")
    p.add_argument("--play", required=True, help="the user's speech, 48 kHz mono WAV")
    p.add_argument("--record", required=True, help="WAV file to write: what the user hears")
    p.add_argument("--hangup", choices=("user", "business"), default="user", help="who ends the call")
    p.add_argument("--talk", type=float, default=8, help="seconds until the user hangs up")
    p.add_argument("--unanswered", action="store_true", help="the call is meant to end before it is accepted")
    p.add_argument("--give-up", type=float, default=0, help="seconds until the user gives up waiting")
    p.add_argument("--keys", default="", help="keys the user presses")
    p.add_argument("--keys-after", type=float, default=1, help="how many seconds after beginning to speak")
    p.add_argument("--token", default="interop-token")
    p.add_argument("--app-secret", default="interop-app-secret")
    p.add_argument("--verify-token", default="interop-verify")
    p.add_argument("--phone-number-id", default="310000000000002")
    p.add_argument("--business", default="+12025550123")
    p.add_argument("--user", default="447700900123")
    p.add_argument("--user-name", default="Ana Example")
    p.add_argument("--payload", default="order-77")
    p.add_argument("--graph-delay-ms", type=float, default=50, help="time of one Graph request")
    p.add_argument("--connect-deadline", type=float, default=15, help="seconds to wait for the webhook to listen")
    p.add_argument("--accept-window", type=float, default=30, help="Meta: 30 to 60 s from connect to accept")
    p.add_argument("--media-window", type=float, default=20, help="Meta: 20 s without media ends the call (138021)")
    p.add_argument("--deadline", type=float, default=50, help="seconds for everything")
    return p


if __name__ == "__main__":
    sys.exit(asyncio.run(main(argument_parser(__doc__).parse_args(), UserCall)))
