"""Gateways called in parallel: the first that answers has the call, the others are cancelled."""

from groups import answers
from harness import check, equal, expect_record, main, until
from sip_peer import SipPeer

NAMES = ["pbx", "second", "third"]


def several(rig, *scripts, gateways=None, **bridge):
    """A rule that calls one gateway for each script; None: nobody is there."""
    ports = [rig.gateway_port] + [rig.ports.one() for _ in scripts[1:]]
    peers = [rig.add(SipPeer(rig, script, port=port)) if script else None for script, port in zip(scripts, ports)]
    conf = [{"name": name, "uri": f"sip:127.0.0.1:{port};transport=udp", **((gateways or {}).get(name, {}))}
            for name, port in zip(NAMES, ports)]
    action = {"gateways": NAMES[:len(scripts)], "user": "600", "mode": "parallel", **bridge}
    w = rig.watrunk(gateways=conf, dialplan=[{"name": "all", "actions": [{"bridge": action}]}])
    return w, peers


def attempts(record):
    return {a["gateway"]: (a["sip_code"], a["cause"]) for a in record["attempts"]}


def cancelled(call):
    call.reply(180)
    call.cancel = call.expect("CANCEL")
    call.reply(487)
    call.expect("ACK")


def refuses(code):
    return lambda call: (call.reply(code), call.expect("ACK"))


def done(peers):
    for peer in filter(None, peers):
        peer.wait_done()


def story_first_answer_wins(rig):
    second, live = [], []

    def slowly(call):
        call.reply(180)
        until(lambda: second and peers[0].calls and getattr(peers[2].calls and peers[2].calls[0], "done", False), "the others")
        until(lambda: w.events("sip_refused"), "the refusal")
        live.extend(w.live())
        answers(call)
    w, peers = several(rig, cancelled, slowly, refuses(486))
    second.append(True)
    meta, = rig.metasim(talk_ms=700).report()
    done(peers)
    check(meta["rx_packets"] > 10, "the user heard nothing")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", gateway="second", accepted_on="answer", early_media="none",
                  sip_call_id=peers[1].calls[0].id, sip_target=f"sip:600@127.0.0.1:{peers[1].port};transport=udp")
    equal(attempts(record), {"pbx": (0, "answered_elsewhere"), "second": (200, "normal"), "third": (486, "busy")}, "attempts")
    reason = peers[0].calls[0].cancel.get("Reason") or ""
    check("SIP;cause=200" in reason, f"Reason of the CANCEL: {reason}")
    rtp = {p.calls[0].remote_rtp() for p in peers}
    equal(len(rtp), 1, "ports offered")
    equal([[(a["gateway"], a["sip_code"]) for a in c["attempts"]] for c in live], [[("third", 486)]], "attempts while it rang")
    code, body = w.admin("GET", f"/v1/calls/{record['id']}")
    equal((code, len(body["attempts"])), (200, 3), "attempts by the API")
    w.check_idle()


def story_answers_cross(rig):
    """Two pick up at once: the 200 that crosses our CANCEL is ACKed and hung up, and never heard."""
    def crosses(call):
        call.reply(180)
        call.expect("CANCEL")
        call.reply(200, sdp=call.sdp())
        call.media.start(call.remote_rtp(), 0)
        call.expect("ACK")
        call.expect("BYE")

    def first(call):
        call.reply(180)
        until(lambda: peers[0].calls, "the other INVITE")
        answers(call)
    w, peers = several(rig, crosses, first)
    rig.metasim(talk_ms=700).report()
    done(peers)
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", gateway="second")
    equal(peers[0].calls[0].media.audio(), [], "audio at the one who was too late")
    w.check_idle()


def story_all_fail(rig):
    """The best answer is the call's: RFC 3261 16.7."""
    w, peers = several(rig, refuses(503), refuses(486), refuses(500))
    meta, = rig.metasim().report()
    done(peers)
    equal(meta["ended_by"], "business", "ended by")
    record, = w.wait_records(1)
    expect_record(record, status="rejected", cause="busy", gateway="second", sip_code=486, ended_by="sip", answered_ms=None)
    equal(attempts(record), {"pbx": (503, "gateway_down"), "second": (486, "busy"), "third": (500, "gateway_failed")}, "attempts")


def story_global_failure_ends_all(rig):
    def declines(call):
        until(lambda: peers[0].calls, "the other INVITE")
        call.reply(603)
        call.expect("ACK")
    w, peers = several(rig, cancelled, declines)
    rig.metasim().report()
    done(peers)
    expect_record(w.wait_records(1)[0], status="rejected", cause="declined", sip_code=603, gateway="second")


def story_one_is_not_there(rig):
    """Nobody listens, and another does not want it: the one between has the call."""
    w, peers = several(rig, None, answers, refuses(480))
    rig.metasim(talk_ms=300).report()
    done(peers)
    record, = w.wait_records(1)
    expect_record(record, status="completed", gateway="second")
    check(attempts(record)["pbx"][0] in (0, 503), attempts(record))


def story_one_is_at_its_limit(rig):
    """It has a call already, and is sent no INVITE of the second: the other one has that."""
    w, peers = several(rig, answers, lambda call: cancelled(call) if call is peers[1].calls[0] else answers(call),
                       gateways={"pbx": {"max_calls": 1}})
    rig.metasim(talk_ms=2500, calls=2, interval_ms=800).report()
    done(peers)
    first, second = w.wait_records(2)
    expect_record(first, status="completed", gateway="pbx")
    expect_record(second, status="completed", gateway="second")
    equal(attempts(second), {"pbx": (503, "congestion"), "second": (200, "normal")}, "attempts of the second call")
    equal(len(peers[0].calls), 1, "INVITEs at the one that is full")


def story_ring_time_of_each(rig):
    def after_the_other(call):
        call.reply(180)
        until(lambda: hasattr(peers[0].calls[0], "cancel"), "CANCEL at the first")
        answers(call)
    w, peers = several(rig, cancelled, after_the_other, timeouts=[1, 0])
    rig.metasim(talk_ms=300).report()
    done(peers)
    record, = w.wait_records(1)
    expect_record(record, status="completed", gateway="second")
    equal(attempts(record)["pbx"], (0, "no_answer"), "the first attempt")
    check(900 <= record["attempts"][0]["ms"] < 8000, "its length")


def story_ring_time_of_all(rig):
    w, peers = several(rig, cancelled, cancelled, timeout=1)
    rig.metasim().report()
    done(peers)
    expect_record(w.wait_records(1)[0], status="missed", cause="no_answer", ended_by="watrunk")


def story_user_gives_up(rig):
    w, peers = several(rig, cancelled, cancelled, cancelled)
    rig.metasim(give_up_ms=600).report()
    done(peers)
    record, = w.wait_records(1)
    expect_record(record, status="cancelled", cause="cancelled", ended_by="user", rang_ms=bool)
    equal(set(attempts(record).values()), {(0, "cancelled")}, "attempts")
    w.check_idle()


if __name__ == "__main__":
    main()
