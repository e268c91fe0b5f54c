"""Hundreds of calls to gateways that are silent, answer what was cancelled, or reset the connection: the program lives
through them all, and afterwards it is as before."""
from harness import check, equal, expect_record, main
from gateway_faults import BadTcp, SilentUdp
from sip_peer import SipPeer
from volume import MB, run_round, settled, wait_fds

BATCH, BATCHES = 60, 2      # of each of the three kinds
GRAPH_CONNECTIONS = 64      # idle ones that a later batch may leave: how many depends on how fast metasim answers


def answers_what_was_cancelled(call):
    call.reply(180)
    call.expect("CANCEL")
    call.reply(200, sdp=call.sdp())
    call.expect("ACK")
    call.expect("BYE")


def story_hundreds(rig):
    ports = {name: rig.ports.one() for name in ("silent", "late", "resets")}
    w = rig.watrunk(
        log={"level": "info"},
        gateways=[{"name": name, "uri": f"sip:127.0.0.1:{port};transport={'tcp' if name == 'resets' else 'udp'}"} for name, port in ports.items()],
        dialplan=[{"name": name, "match": {"payload": f"^{name}$"}, "actions": [{"bridge": {"gateways": [name], "user": "600"}}]}
                  for name in ports])
    rig.add(SilentUdp(rig, ports["silent"]))
    rig.add(BadTcp(rig, "reset", ports["resets"]))
    late = rig.add(SipPeer(rig, answers_what_was_cancelled, port=ports["late"]))
    sizes, fds = [], 0
    for batch in range(BATCHES):
        for name in ports:
            patience_ms = 10000 if name == "resets" else 1500
            sim = rig.metasim(calls=BATCH, at_once=BATCH, give_up_ms=patience_ms, payload=name)
            run_round(w, sim, ended_by=None, violations=("media failed",))      # the user may give up in the handshake
        late.wait_done()
        if batch == 0:      # whatever is made once has been made
            fds = w.fds() + GRAPH_CONNECTIONS
            sizes.append(settled(w))
    wait_fds(w, fds)
    sizes.append(settled(w))
    check(sizes[1] - sizes[0] < 12 * MB, f"KB of memory before and after: {sizes}")
    equal(len(late.calls), BATCH * BATCHES, "INVITEs at the gateway that answers late")
    records = w.records()
    equal(len(records), BATCH * BATCHES * 3, "records")
    for record in records:
        if record["rule"] == "resets":
            expect_record(record, status="failed", cause="gateway_down", ended_by="sip", answered_ms=None)
        else:
            expect_record(record, status="cancelled", cause="cancelled", ended_by="user", answered_ms=None)
    counters = w.counters()
    equal(counters["calls_started"], counters["calls_ended"], "calls begun and ended")
    print(f"       {len(records)} bad calls: {fds} descriptors; KB {sizes}")


if __name__ == "__main__":
    main()
