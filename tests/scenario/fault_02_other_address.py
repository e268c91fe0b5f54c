"""Interop fault 2: the 200 comes from another address than the INVITE went to. ACK, refreshes and BYE follow its Contact,
through its Record-Route."""
from dialogs import ALLOW, TIMER, expires, heard, undisturbed
from harness import check, equal, expect_record, main
from sip_peer import SipPeer


def elsewhere(rig, script):
    """A second socket of the same call: what comes to it is the call's, and what the call says leaves from it."""
    other = rig.add(SipPeer(rig, lambda call: None, port=rig.ports.one()))

    def moved(call):
        other.by_id[call.id] = call
        source = ("127.0.0.1", rig.sip_port)
        call.send = lambda out: other.socket.sendto(out, source)
        call.seen = []
        take = call.take

        def at(port, message):
            call.seen.append((port, message.method))
            take(message)
        call.take = lambda message: at(call.peer.port, message)
        other.dispatch = lambda message, send: at(other.port, message)
        script(call, other)
    return moved


def talk(rig, script, **gateway):
    w = rig.watrunk(gateways=[rig.gateway(**gateway)])
    peer = rig.add(SipPeer(rig, elsewhere(rig, script)))
    meta, = rig.metasim(talk_ms=1500).report()
    peer.wait_done()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")
    undisturbed(meta)


def story_follows_contact(rig):
    def script(call, other):
        call.reply(180)
        contact = f"<sip:node7@127.0.0.1:{other.port}>"
        call.reply(200, sdp=call.sdp(), headers=[f"Contact: {contact}", ALLOW, TIMER, "Require: timer", "Session-Expires: 2;refresher=uac"])
        call.media.start(call.remote_rtp(), 0)
        ack = call.expect("ACK")
        heard(call)
        update = call.expect("UPDATE", reply=0)
        equal(expires(update), ("2", "uac"), "Session-Expires of our refresh")
        call.reply(200, to=update, headers=[f"Contact: {contact}", TIMER, "Session-Expires: 90;refresher=uac"])
        bye = call.expect("BYE")
        for message in (ack, update, bye):
            equal(message.start.split()[1], contact[1:-1], f"Request-URI of {message.method}")
            check(message.get("Route") is None, "a Route from nowhere")
            check((other.port, message.method) in call.seen, f"{message.method} went to the old address: {call.seen}")
    talk(rig, script, session_expires=2, min_se=2)


def story_follows_record_route(rig):
    """The Contact is out of our reach: only the proxies know the way, in the order of the response turned round."""
    def script(call, other):
        near, far = f"<sip:127.0.0.1:{other.port};lr>", "<sip:192.0.2.77;lr>"
        call.reply(200, sdp=call.sdp(), headers=["Contact: <sip:node7@192.0.2.88>", f"Record-Route: {far}", f"Record-Route: {near}"])
        call.media.start(call.remote_rtp(), 0)
        for message in (call.expect("ACK"), call.expect("BYE")):
            equal(message.start.split()[1], "sip:node7@192.0.2.88", f"Request-URI of {message.method}")
            equal([r.strip() for v in message.all("Route") for r in v.split(",")], [near, far], f"Route of {message.method}")
            check((other.port, message.method) in call.seen, f"{message.method} did not go to the proxy: {call.seen}")
    talk(rig, script)


if __name__ == "__main__":
    main()
