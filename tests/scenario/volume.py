"""What the stories of many calls share.

About memory: these run under AddressSanitizer, whose allocator gives little back (its leak check at the end is the exact
one), so the bounds here are coarse: 200 calls leave 5 MB with it, and 0.3 MB without.
"""
import time

from harness import EVENT_WAIT_S, Failure, check, equal, until

MB = 1024               # in KB, as memory is counted here
SIP_TAIL_S = 33         # RFC 3261 timer D, which sip.t1x64_ms does not shorten: ended INVITEs stay so long in the SIP stack


def run_round(w, sim, ended_by="user", violations=()):
    """The calls of one metasim, to the end: nothing of them is left, and each has its record."""
    before = w.counters()["store_writes"]
    metas = sim.report(timeout=110, violations=violations)
    if ended_by == "user":
        equal({m["ended_by"] for m in metas}, {"user"}, "ended by")
    w.check_idle(timeout=EVENT_WAIT_S)
    until(lambda: w.counters()["store_writes"] >= before + len(metas), "the records")
    equal(w.counters()["store_writes"], before + len(metas), "records written")
    return metas


def wait_fds(w, most):
    try:
        until(lambda: w.fds() <= most, "descriptors", EVENT_WAIT_S)
    except Failure:
        raise Failure(f"{w.fds()} descriptors, {most} before") from None


def settled(w):
    """Resident KB once the SIP stack's tail has passed."""
    time.sleep(SIP_TAIL_S)
    check(w.popen.poll() is None, "watrunk has ended")
    return w.rss_kb()
