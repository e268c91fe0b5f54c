"""Many calls, one after another and at the same time: every record written, nothing left, no memory gained."""
from harness import check, equal, expect_record, main
from volume import MB, run_round, settled, wait_fds

ONE_BY_ONE, AT_ONCE, ROUNDS = 50, 50, 2


def clean(w):
    """media_pool_empty is not asked: a machine so busy that every sender stalls at once may overrun the shared pool."""
    counters = w.counters()
    for name in ("store_errors", "store_queue_full", "media_events_lost", "media_commands_refused", "media_send_failed",
                 "log_lines_dropped", "media_srtp_auth_failed", "graph_errors", "calls_refused_limit"):
        equal(counters[name], 0, f"counter {name}")
    equal(counters["calls_started"], counters["calls_ended"], "calls begun and ended")


def story_one_after_another(rig):
    w = rig.watrunk(log={"level": "info"})
    rig.sipp("answers", "-rtp_echo")
    run_round(w, rig.metasim(calls=ONE_BY_ONE, talk_ms=60))
    fds = w.fds()
    before = settled(w)
    run_round(w, rig.metasim(calls=ONE_BY_ONE, at_once=4, talk_ms=60))
    wait_fds(w, fds)
    after = settled(w)
    check(after - before < 10 * MB, f"{ONE_BY_ONE} calls left {after - before} KB")
    records = w.records()
    equal(len(records), 2 * ONE_BY_ONE, "records")
    equal(len({r["id"] for r in records}), len(records), "different ids")
    for record in records:
        expect_record(record, status="completed", cause="normal", ended_by="user", answered_ms=bool)
    clean(w)
    print(f"       {ONE_BY_ONE} calls one by one: {fds} descriptors; KB {before}, then {after - before:+}")


def story_at_the_same_time(rig):
    w = rig.watrunk(log={"level": "info"})
    rig.sipp("answers", "-rtp_echo")
    run_round(w, rig.metasim(calls=AT_ONCE, at_once=AT_ONCE, talk_ms=1000))
    fds, sizes = w.fds(), [w.rss_kb()]
    for _ in range(ROUNDS):
        metas = run_round(w, rig.metasim(calls=AT_ONCE, at_once=AT_ONCE, talk_ms=3000))
        least = min(m["rx_packets"] for m in metas)
        check(least > 75, f"a user heard {least} packets of 150")
        wait_fds(w, fds)
        sizes.append(w.rss_kb())
    check(sizes[-1] - sizes[0] < 20 * MB, f"KB of memory after each round: {sizes}")
    equal(len(w.records()), (1 + ROUNDS) * AT_ONCE, "records")
    clean(w)
    print(f"       {AT_ONCE} calls at once, {ROUNDS} rounds: {fds} descriptors; KB {sizes}")


if __name__ == "__main__":
    main()
