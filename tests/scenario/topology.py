"""What one side says of itself, the other never hears: everything that was received is searched for marks of the others."""
import json

from fake_graph import FakeGraph
from harness import HERE, check, equal, main, until
from sip_peer import SipPeer
from webhook_faults import connect

# Each stands in every place where a side can write something of itself.
AGENT, DESK, META = "inner-agent", "inner-desk", "inner-meta"


def marked(mark, number):
    """Headers in which PBXs tell about themselves."""
    return [f"User-Agent: {mark}-pbx/1.0", f"Server: {mark}-pbx/1.0", f"Warning: 399 {mark}.example \"{mark}\"", f"Organization: {mark}",
            f"Reason: Q.850;cause=16;text=\"{mark}\"", f"X-Inner: {mark}", f"P-Asserted-Identity: <sip:{number}@{mark}.example>",
            f"Call-Info: <http://{mark}.example/>", f"Subject: {mark}"]


def marked_sdp(call, mark, **how):
    return call.sdp(**how).replace("o=pbx", f"o={mark}").replace("s=-", f"s={mark}").replace("t=0 0", f"t=0 0\r\na=tool:{mark}")


def picks_up(mark):
    def script(call):
        call.tag = f"{mark}-tag"
        call.peer.contact = f"<sip:{mark}-contact@127.0.0.1:{call.peer.port};transport=udp>"
        call.reply(180, headers=marked(mark, "1"))
        call.reply(200, sdp=marked_sdp(call, mark), headers=marked(mark, "1"))
        call.media.start(call.remote_rtp(), 0)
        call.expect("ACK")
    return script


def received(peer):
    return [str(m.start) + "\n" + str(m.headers) + "\n" + str(m.body) for c in [*peer.calls, *peer.dialled] for m in c.log]


def search(where, texts, *marks):
    check(texts, f"{where} received nothing")
    for text in texts:
        for mark in marks:
            check(mark.lower() not in text.lower(), f"{where} received {mark!r}:\n{text}")


def story_agent_target_and_meta(rig):
    """A user calls, the agent sends him on to a desk, the desk hangs up: three sides, none learns of another."""
    port = rig.ports.one()
    w = rig.watrunk(gateways=[rig.gateway(), {"name": "desk", "uri": f"sip:127.0.0.1:{port};transport=udp"}], store={"keep_sdp": True})
    agent, desk = rig.add(SipPeer(rig, picks_up(AGENT))), rig.add(SipPeer(rig, picks_up(DESK), port=port))
    sim = rig.metasim(users=[rig.user(steps=[{"call": True}])])
    sim.wait_user_event("audio_heard")
    first = agent.wait_calls(1)
    referrer = f"Referred-By: \"{AGENT}\" <sip:6001@{AGENT}.example:5099;x={AGENT}>;cid=\"1@{AGENT}.example\""
    equal(first.refer(f"sip:700@127.0.0.1:{port}", headers=[referrer, *marked(AGENT, "2")]).status, 202, "answer to REFER")
    while not first.expect("NOTIFY").get("Subscription-State").startswith("terminated"):
        pass
    first.expect("BYE")
    second = desk.wait_calls(1)
    equal(second.invite.get("Referred-By"), "<sip:6001@trunk.example>", "Referred-By")
    until(lambda: len(second.media.audio(pt=0)) > 10, "the desk hears the user")
    second.bye(headers=marked(DESK, "3"))
    sim.report()
    record, = w.wait_records(1)
    meta_sdp = record["sdp_wa_remote"]
    secrets = [line.split(":", 1)[1].strip() for line in meta_sdp.splitlines() if line.startswith(("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=candidate:"))]
    check(len(secrets) >= 3, f"Meta's SDP: {meta_sdp}")
    ours_to_meta = [record["sdp_wa_local"]]
    search("the agent", received(agent), DESK, str(port), second.id, f"{DESK}-tag", *secrets)
    search("the desk", received(desk), AGENT, str(rig.gateway_port), first.id, f"{AGENT}-tag", *secrets)
    search("Meta", ours_to_meta, AGENT, DESK, str(first.media.port), str(second.media.port))
    for peer in (agent, desk):
        for text in received(peer):
            check("sofia" not in text.lower(), f"the library's name:\n{text}")


def story_what_meta_is_told(rig):
    """Every request to the Graph API: of a call that the agent refuses, and of one that he makes, with marks all over."""
    def refuses(call):
        call.tag = f"{AGENT}-tag"
        call.reply(183, sdp=marked_sdp(call, AGENT), headers=marked(AGENT, "1"))
        call.reply(603, headers=marked(AGENT, "1"))
        call.expect("ACK")
    graph = rig.add(FakeGraph(rig, body={"messaging_product": "whatsapp", "success": True, "calls": [{"id": "wacid.out"}]}))
    rules = [{"name": "out", "match": {"direction": "outbound"}, "actions": [{"whatsapp": {}}]},
             {"name": "in", "actions": [{"bridge": {"gateways": ["pbx"]}}]}]
    w = rig.watrunk(dialplan=rules)
    agent = rig.add(SipPeer(rig, refuses))
    sdp = (HERE.parent / "fuzz/corpus/sdp/meta-offer.sdp").read_bytes().decode().replace("o=-", f"o={META}").replace("s=-", f"s={META}")
    equal(rig.post_webhook(connect("wacid.topology", sdp=sdp))[0], 200, "webhook")
    first = agent.wait_calls(1)
    w.wait_records(1)
    until(lambda: {"reject", "terminate"} & set(graph.actions()), "the end at Meta")
    second = agent.dial("+447700900555", from_user=f"{AGENT}-user", headers=marked(AGENT, "2"))
    graph.wait("connect")
    second.cancel()
    w.wait_records(2)
    search("Meta", [json.dumps(r) for r in graph.requests], AGENT, first.id, second.id, f":{rig.gateway_port}", str(first.media.port), str(second.media.port))
    search("the agent", received(agent), META)


if __name__ == "__main__":
    main()
