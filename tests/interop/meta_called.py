#!/usr/bin/python3
"""Plays Meta and one WhatsApp user whom the business calls: meta_aiortc.py for the way out.

Graph takes `connect` with the business's SDP offer; signed webhooks bring Meta's answer, RINGING, ACCEPTED or REJECTED,
and `terminate`. The user has allowed calls for good. Prints the same report; exit status 0 when the call went well and
no rule was broken.

    meta_called.py --graph-port 8101 --webhook http://127.0.0.1:8102/webhook --play user.wav --record heard.wav --setup active
"""

import asyncio
import json
import sys
import time

from meta_aiortc import UserCall, argument_parser, graph_error, main
from meta_sdp import check_offer, make_sdp

CONNECT_AFTER_S = 0.05  # after the response of `connect`
RING_AFTER_S = 0.05  # after that webhook


class CalledUser(UserCall):
    """One business-initiated call. States: new, connecting, accepted, ended."""

    def __init__(self, args):
        super().__init__(args, "client" if args.setup == "active" else "server")
        self.ready, self.dialled = asyncio.Event(), asyncio.Event()
        self.opaque = ""

    # ---- what the business asks for ----

    async def graph(self, method, path, headers, body):
        await self.ready.wait()
        bare, _, query = path.partition("?")
        if (method, bare) == ("GET", "/v25.0/%s/call_permissions" % self.args.phone_number_id):
            if "user_wa_id=" + self.args.user not in query:
                self.watch.violation("call_permissions without the user: %r" % query)
            return 200, {"messaging_product": "whatsapp", "permission": {"status": "permanent"}, "actions": [
                {"action_name": "start_call", "can_perform_action": True,
                 "limits": [{"time_period": "PT24H", "max_allowed": 100, "current_usage": 0}]}]}, ""
        return await super().graph(method, path, headers, body)

    def _perform(self, action, request):
        if action != "connect":
            return super()._perform(action, request)
        session = request.get("session") or {}
        if self.state != "new":
            self.watch.violation("a second connect")
            return graph_error(400, 138003, "A call with this user is up")
        if request.get("messaging_product") != "whatsapp" or request.get("to") != self.args.user or "call_id" in request:
            self.watch.violation("connect: messaging_product, to or call_id is wrong")
            return graph_error(400, 100, "Invalid parameter", "to")
        self.offer_sdp, self.opaque = session.get("sdp", ""), request.get("biz_opaque_callback_data", "")
        self.offer, faults = check_offer(self.offer_sdp)
        if session.get("sdp_type") != "offer":
            faults.append("sdp_type is %r, expected offer" % session.get("sdp_type"))
        if self.args.setup == "active" and self.offer.setup == "active":
            faults.append("the offer is active: this user cannot be active too")
        for fault in faults:
            self.watch.violation("connect: " + fault)
        if faults:
            return graph_error(400, 138008, "Provided SDP is invalid", "; ".join(faults))
        self.state = "connecting"
        return 200, {"messaging_product": "whatsapp", "calls": [{"id": self.wacid}]}

    def replied(self, action, status):
        if action == "connect" and status == 200:
            self.watch.zero = time.monotonic()
            self.dialled.set()

    # ---- what happens by itself ----

    def parties(self):
        facts = {"id": self.wacid, "from": self.args.business.lstrip("+"), "to": self.args.user, "direction": "BUSINESS_INITIATED"}
        return dict(facts, biz_opaque_callback_data=self.opaque) if self.opaque else facts

    async def _status(self, status):
        facts = {"id": self.wacid, "type": "call", "status": status, "timestamp": str(int(time.time())), "recipient_id": self.args.user}
        if self.opaque:
            facts["biz_opaque_callback_data"] = self.opaque
        await self.webhooks.post(status.lower(), {
            "messaging_product": "whatsapp", "statuses": [facts], "metadata": {
                "display_phone_number": self.args.business.lstrip("+"), "phone_number_id": self.args.phone_number_id}})

    async def run(self):
        host, port, ufrag, pwd, fingerprint, ssrc = await self.relay.gather()
        await self.webhooks.handshake()
        self.ready.set()
        if await self._within(self.dialled, self.args.accept_window):
            self.answer_sdp = make_sdp(host, port, ufrag, pwd, fingerprint, ssrc, self.args.setup, self.offer.mid)
            self.relay.start(self.offer)
            await self._ring()
        if not self.ended.is_set():
            self.watch.violation("nothing came of the call")
            self._end("meta")
            await self._terminate_webhook(138021 if self.accepted.is_set() else None)
        await self.linger()

    async def _ring(self):
        await asyncio.sleep(CONNECT_AFTER_S)
        if not self.ended.is_set():
            await self.webhooks.call_event("connect", {
                **self.parties(), "event": "connect", "timestamp": str(int(time.time())),
                "session": {"sdp_type": "answer", "sdp": self.answer_sdp},
                "connection": {"webrtc": {"sdp": json.dumps({"sdp": self.answer_sdp, "type": "answer"})}}})
        await asyncio.sleep(RING_AFTER_S)
        if not self.ended.is_set():
            await self._status("RINGING")
        if await self._within(asyncio.Event(), self.args.ring) or self.ended.is_set():
            return
        if self.args.decline:
            self._end("user")
            await self._status("REJECTED")
            await self._terminate_webhook()
            return
        self.watch.media_allowed = True  # Meta: the business speaks once it knows of the pick-up
        self.watch.event("accepted")
        self.state, self.started_at = "accepted", int(time.time())
        self.accepted.set()
        await self._status("ACCEPTED")
        await self._converse()


if __name__ == "__main__":
    parser = argument_parser(__doc__)
    parser.add_argument("--setup", choices=("passive", "active"), default="passive", help="who is DTLS client; active: Meta")
    parser.add_argument("--ring", type=float, default=1, help="seconds until the user answers, or declines")
    parser.add_argument("--decline", action="store_true", help="the user declines")
    sys.exit(asyncio.run(main(parser.parse_args(), CalledUser)))
