"""Fault 10: a gateway leaves OPTIONS unanswered for three intervals, then recovers; calls in progress survive."""
import time

from gateways import Server
from harness import check, equal, expect_record, main, until


def story_calls_survive_the_silence(rig):
    """Not a word to three OPTIONS: no new call is sent there, and the one that is up goes on talking, until it is ended
    over the same gateway. Two answers, and it is called again."""
    speaks = [True]
    server = rig.add(Server(rig, lambda m: (200, []) if speaks[0] else None, lambda call: (call.answer(), call.expect("BYE", timeout=60))))
    w = rig.watrunk(gateways=[rig.gateway(ping=1)], sip={"t1x64_ms": 1000})     # after which an OPTIONS is given up
    until(lambda: server.asked, "the first OPTIONS")
    other = "447700900999"
    sim = rig.metasim(users=[rig.user(steps=[{"call": True}]), rig.user(other)])
    sim.wait_user_event("audio_heard")
    call = server.wait_calls(1)
    speaks[0] = False
    w.wait_event("gateway_down", sip="408", timeout=150)
    since = time.monotonic()
    until(lambda: len(call.media.audio(pt=0, since=since)) > 25, "the call in progress goes on")
    equal([c["state"] for c in w.live()], ["up"], "calls")
    check(not w.events("call_ended"), "a call was ended")
    sim.act(user=other, call=True)
    expect_record(w.wait_records(1)[0], status="failed", cause="gateway_down", sip_call_id=None)
    equal(len(server.calls), 1, "INVITEs while down")
    speaks[0] = True
    w.wait_event("gateway_up", sip="200", timeout=150)
    sim.act(hang_up=True)
    expect_record(w.wait_records(2)[0], status="completed", cause="normal", ended_by="user")
    sim.report()
    server.wait_done()
    rig.metasim(talk_ms=200).report()
    expect_record(w.wait_records(3)[2], status="completed", gateway="pbx")


if __name__ == "__main__":
    main()
