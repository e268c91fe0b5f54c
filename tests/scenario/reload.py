"""The configuration is read again under live calls: by signal, by the API, by the command."""
import json
import os
import re
import signal

from harness import USER, WAIT_S, check, equal, expect_record, main, until
from sip_peer import SipPeer


def write(w, config):
    """As an editor does it: whole, or not at all."""
    fresh = w.path.with_suffix(".new")
    fresh.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))
    fresh.chmod(0o600)
    fresh.rename(w.path)


def bridge(name):
    return [{"name": f"to-{name}", "actions": [{"bridge": {"gateways": [name], "user": "600"}}]}]


def spare(port):
    return {"name": "spare", "uri": f"sip:127.0.0.1:{port};transport=udp"}


def answers(call):
    call.answer()
    call.expect("BYE")


def resident_kb(w):
    with open(f"/proc/{w.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def story_live_call_goes_on_and_the_next_one_goes_elsewhere(rig):
    """The live call's gateway and rule are gone from the file; it is held and ended as if nothing had happened."""
    port = rig.ports.one()
    w = rig.watrunk()
    first = rig.add(SipPeer(rig, answers))
    sim = rig.metasim(talk_ms=3000)
    until(lambda: any(c["state"] == "up" for c in w.live()), "the call")
    write(w, rig.config(gateways=[spare(port)], dialplan=bridge("spare")))
    w.signal(signal.SIGHUP)
    w.wait_event("reloaded", needs_restart=0)
    equal([c["gateway"] for c in w.live()], ["pbx"], "live calls")
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", gateway="pbx", rule="all")
    first.wait_done()
    second = rig.add(SipPeer(rig, answers, port=port))
    rig.metasim(talk_ms=300).report()
    records = w.wait_records(2)
    equal(sorted(r["rule"] for r in records), ["all", "to-spare"], "rules")
    equal(len(first.calls), 1, "calls of the gateway that is gone")
    second.wait_done()


def story_a_file_with_faults_is_refused_whole(rig):
    w = rig.watrunk()
    good = w.path.read_text()
    config = rig.config(gateways=[rig.gateway(), {"name": "pbx", "uri": "nonsense"}],
                        dialplan=[{"name": "new", "actions": [{"bridge": {"gateways": ["nobody"]}}]}])
    write(w, config)
    status, answer = w.post("/v1/reload")
    equal((status, answer["type"]), (422, "/problems/bad-configuration"), "answer")
    for key in ("gateways[1].uri", "gateways[1].name", "dialplan[0].actions[0].bridge.gateways[0]"):
        check(key in answer["detail"], f"{key} is not in {answer['detail']!r}")
    w.wait_event("config_fault", count=3)
    w.signal(signal.SIGHUP)
    w.wait_event("reload_refused", count=2)
    code, _, complaint = w.cli("reload")
    check(code == 2 and "gateways[1].uri" in complaint, f"reload: {code} {complaint}")
    write(w, "webhook: [")
    equal(w.post("/v1/reload")[0], 422, "not even YAML")
    peer = rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=300).report()
    write(w, good)
    expect_record(w.wait_records(1)[0], status="completed", rule="all", gateway="pbx")
    code, words, _ = w.cli("reload")
    equal((code, words), (0, "reloaded\n"), "reload")
    peer.wait_done()


def story_what_needs_a_restart_is_said(rig):
    w = rig.watrunk()
    write(w, rig.config(media={"wa_silence_timeout": 31}, log={"level": "info"}))
    status, answer = w.post("/v1/reload")
    equal((status, answer), (200, {"reloaded": True, "needs_restart": ["media", "log"]}), "answer")
    w.wait_event("reload_needs_restart", key="media")


def story_challenges_stay_as_configured(rig):
    """After a reload SHA-256 was named, too, which many telephones give up at."""
    users = {"users": [{"name": "desk1", "password": "not-a-real-one"}]}
    w = rig.watrunk(gateways=[rig.gateway(inbound=False)], sip=users)
    peer = rig.add(SipPeer(rig, lambda call: None))

    def challenges():
        return [re.search(r"algorithm=([\w-]+)", c).group(1) for c in peer.dial(USER).wait_response(401).all("WWW-Authenticate")]
    equal(challenges(), ["MD5"], "challenges")
    equal(w.post("/v1/reload"), (200, {"reloaded": True, "needs_restart": []}), "reload")
    equal(challenges(), ["MD5"], "challenges after a reload")
    write(w, rig.config(gateways=[rig.gateway(inbound=False)], sip={**users, "digest": "both"}))
    equal(w.post("/v1/reload")[1]["needs_restart"], ["sip.domain, public_address, realm, digest"], "what needs a restart")
    equal(challenges(), ["MD5"], "challenges until the restart")


def story_numbers_and_limits_change(rig):
    """A number that is switched off takes no further call, and takes them again."""
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    write(w, rig.config(numbers=[rig.number(enabled=False)]))
    equal(w.post("/v1/reload")[0], 200, "reload")
    rig.metasim().report()
    w.wait_records(1)
    check(not peer.calls, "a call of a number that is off")
    write(w, rig.config(numbers=[rig.number(app_secret="another-app's")]))
    equal(w.post("/v1/reload")[0], 200, "reload")
    write(w, rig.config())
    equal(w.post("/v1/reload")[0], 200, "reload")
    rig.metasim(talk_ms=300).report()
    check(any(r["status"] == "completed" for r in w.wait_records(2)), "no call after it was switched on again")
    peer.wait_done()


def story_a_hundred_reloads_under_a_call(rig):
    """Nothing is left of those that were superseded, though the call holds the first one."""
    w = rig.watrunk()
    peer = rig.add(SipPeer(rig, answers))
    sim = rig.metasim(talk_ms=8000)
    until(lambda: any(c["state"] == "up" for c in w.live()), "the call")
    for i in range(100):
        write(w, rig.config(dialplan=bridge("pbx") if i % 2 else rig.config()["dialplan"]))
        equal(w.post("/v1/reload")[0], 200, "reload")
        if i == 20:
            before = resident_kb(w)
    grown = resident_kb(w) - before
    check(grown < 8192, f"80 reloads took {grown} KiB")
    for _ in range(20):
        os.kill(w.pid, signal.SIGHUP)
    w.wait_event("reloaded", count=101)
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", rule="all")
    peer.wait_done()


def story_stopped_while_it_reads(rig):
    w = rig.watrunk()
    w.signal(signal.SIGHUP)
    w.signal(signal.SIGTERM)
    equal(w.wait(WAIT_S), 0, "exit code")


if __name__ == "__main__":
    main()
