"""The program dies in mid-call: what it left behind is ended and recorded by its next run."""
import os
import signal

from fake_graph import FakeGraph
from harness import NUMBER_ID, check, equal, expect_record, main, until
from sip_peer import SipPeer


def kill(w):
    os.kill(w.pid, signal.SIGKILL)
    w.wait(10)


def restarted(rig, w, **changes):
    """Another run on the same configuration; whatever it says about memory is its own."""
    second = rig.watrunk(**changes)
    check(second.pid != w.pid, "a new process")
    return second


def story_killed_in_a_call(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, lambda call: (call.reply(180), call.answer())))
    sim = rig.metasim()
    sim.wait_event("first_rx")
    live, = w.live()
    kill(w)
    w = restarted(rig, w)
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")
    check("terminate" in sim.events(), "Meta was not told")
    record, = w.wait_records(1)
    expect_record(record, id=live["id"], wacid=meta["wacid"], status="failed", cause="restart", ended_by="watrunk", number_id=NUMBER_ID)
    w.stop()
    w = restarted(rig, w)       # and only once
    equal(len(w.records()), 1, "records after another restart")
    equal(w.events("leftover_call"), [], "leftovers after another restart")


def story_killed_while_ringing(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, lambda call: call.reply(180)))
    sim = rig.metasim(calls=3, interval_ms=50)
    w.wait_event("sip_progress", count=3)
    until(lambda: w.counters()["graph_requests"] >= 3, "three pre_accepts")
    for number in (1, 2, 3):
        sim.wait_event("pre_accept", call=number)
    kill(w)
    w = restarted(rig, w)
    equal([c["ended_by"] for c in sim.report()], ["business"] * 3, "ended by")
    for record in w.wait_records(3):
        expect_record(record, status="failed", cause="restart", answered_ms=None)


def story_calls_that_ended_are_not_leftovers(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, lambda call: (call.answer(), call.expect("BYE"))))
    rig.metasim(calls=3, talk_ms=200).report()
    w.wait_records(3)
    w.check_idle()
    kill(w)
    w = restarted(rig, w)
    equal(w.events("leftover_call"), [], "leftovers")
    equal(len(w.records()), 3, "records")


def story_webhook_of_a_leftover(rig):
    """Meta's terminate for the call of the previous run: already recorded, and no second record."""
    w = rig.watrunk()
    rig.add(SipPeer(rig, lambda call: (call.reply(180), call.answer())))
    sim = rig.metasim(talk_ms=4000)
    sim.wait_event("first_rx")
    kill(w)
    graphless = rig.ports.one()     # the new run cannot reach Meta: the user hangs up, and the webhook comes
    w = restarted(rig, w, graph={"base_url": f"http://127.0.0.1:{graphless}"})
    meta, = sim.report()
    equal(meta["ended_by"], "user", "ended by")
    until(lambda: w.counters()["webhook_duplicate"] == 1, "the terminate to be known")
    record, = w.wait_records(1)
    expect_record(record, cause="restart", status="failed", wacid=meta["wacid"])


def story_number_gone_after_the_restart(rig):
    w = rig.watrunk()
    rig.add(SipPeer(rig, lambda call: (call.reply(180), call.answer())))
    sim = rig.metasim(no_media_ms=1500)
    sim.wait_event("first_rx")
    kill(w)
    w = restarted(rig, w, numbers=[rig.number(phone_number_id="310000000000009")])
    record, = w.wait_records(1)
    expect_record(record, cause="restart", number_id=NUMBER_ID)
    equal(sim.report()[0]["ended_by"], "meta", "ended by")


def story_second_run_on_the_same_ports(rig):
    """It says so and ends with code 3; the first one is undisturbed."""
    import subprocess
    w = rig.watrunk()
    rig.add(FakeGraph(rig))
    run = subprocess.run(w.popen.args, capture_output=True, text=True, timeout=20)
    equal(run.returncode, 3, f"exit code ({run.stderr.strip()[-300:]})")
    check("cannot start" in run.stderr, run.stderr)
    equal(w.admin("GET", "/healthz")[0], 200, "the first one's health")


if __name__ == "__main__":
    main()
