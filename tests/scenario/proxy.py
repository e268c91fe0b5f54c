"""Kamailio between watrunk and the business's phones, with another transport on each side of it: calls in both directions, ended
from both sides, every request of a dialog by the recorded route."""
import os
import pathlib
import shutil
import sys
import threading

from harness import NUMBER, USER, WAIT_S, Ports, Process, check, equal, expect_record, listens, main, until
from sip_peer import SipPeer
import tls  # noqa: F401: the library's leak of a few bytes for each TLS connection is known there

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from certificates import Certificates  # noqa: E402
from kamailio_proxy import write_config  # noqa: E402

RULES = [{"name": "out", "match": {"direction": "outbound", "to": "^\\+44"}, "actions": [{"whatsapp": {"number": NUMBER}}]},
         {"name": "in", "match": {"direction": "inbound"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]}]


def through(rig, near, far, behind):
    """near: watrunk and the proxy; far: the proxy and the phone. behind: makes the phone."""
    certificates = Certificates(str(rig.dir))
    rig.proxy_port, proxy_tls, our_tls = (rig.ports.one() for _ in range(3))
    trunk = f"sip:127.0.0.1:{our_tls if near == 'tls' else rig.sip_port};transport={near}"
    command = write_config(str(rig.dir), rig.proxy_port, proxy_tls, trunk, certificates, f"sip:127.0.0.1:{rig.gateway_port};transport={far}")
    proxy = Process(command, rig.dir / "kamailio.log")
    rig.processes.append(proxy)
    until(lambda: listens(proxy_tls) or proxy.popen.poll() is not None, "Kamailio's sockets")
    phone = behind()
    sim = rig.metasim(users=[rig.user(permission="permanent", answer_after_ms=100)])
    gateway = {"name": "pbx", "uri": f"sip:127.0.0.1:{proxy_tls if near == 'tls' else rig.proxy_port};transport={near}"}
    w = rig.watrunk(dialplan=RULES, gateways=[gateway],
                    sip={"listen": [f"udp:127.0.0.1:{rig.sip_port}", f"tcp:127.0.0.1:{rig.sip_port}", f"tls:127.0.0.1:{our_tls}"],
                         "tls": {"certificate": certificates.certificate, "key": certificates.key, "ca": certificates.ca}})
    return w, sim, phone


def by_the_proxy(request, near, far):
    """Two Vias; two Record-Routes, as the transports differ (RFC 5658)."""
    equal([v.split()[0] for v in request.all("Via")], [f"SIP/2.0/{t.upper()}" for t in (far, near)], f"Vias of {request.start}")
    if request.method == "INVITE":
        equal(len(request.routes()), 2, f"Record-Routes of {request.start}")


def calls(rig, near, far, inbound, outbound):
    """inbound, outbound: who ends each of these calls."""
    def answers(call):
        by_the_proxy(call.invite, near, far)
        call.reply(180)
        call.answer()
        by_the_proxy(call.log[-1], near, far)           # the ACK
        if inbound[len(peer.calls) - 1] == "user":
            by_the_proxy(call.expect("BYE"), near, far)
        else:
            check(heard.wait(WAIT_S), "the user hears the phone")
            call.bye()

    w, sim, peer = through(rig, near, far, lambda: rig.add(SipPeer(rig, answers, transport=far)))
    heard, count = threading.Event(), 0
    for count, ended_by in enumerate(inbound, 1):
        sim.act(call=True)
        sim.wait_user_event("audio_heard", count=count)
        if ended_by == "user":
            sim.act(hang_up=True)
        else:
            heard.set()
        peer.wait_done()
        expect_record(w.wait_records(count)[-1], direction="inbound", status="completed", cause="normal", ended_by=ended_by, gateway="pbx")
    for count, ended_by in enumerate(outbound, count + 1):
        call = peer.dial(USER, port=rig.proxy_port)
        call.wait_response(180)
        call.wait_answer()
        sim.wait_user_event("audio_heard", count=count)
        if ended_by == "user":
            sim.act(hang_up=True)
            by_the_proxy(call.expect("BYE"), near, far)
        else:
            call.bye()
        expect_record(w.wait_records(count)[-1], direction="outbound", status="completed", cause="normal", ended_by=ended_by, gateway="pbx")
    equal(len(peer.calls), len(inbound), "calls to the phone")
    sim.report()


def story_tls_then_udp(rig):
    calls(rig, "tls", "udp", ("user", "sip"), ("user", "sip"))


def story_udp_then_tcp(rig):
    calls(rig, "udp", "tcp", ("sip",), ("user",))


def story_tcp_then_udp(rig):
    calls(rig, "tcp", "udp", ("user",), ("sip",))


def story_sipp_behind_tls(rig):
    """sipp has no TLS in Debian 12: the proxy has it for it."""
    w, sim, sipp = through(rig, "tls", "udp", lambda: rig.sipp("answers", "-m", 1, "-rtp_echo"))
    sim.act(call=True)
    sim.wait_user_event("first_rx")
    sim.act(hang_up=True)
    equal(sipp.wait(15), 0, "exit code of sipp")
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user", sip_codec="PCMU")


if __name__ == "__main__":
    if not shutil.which("kamailio", path="/usr/sbin:/usr/bin"):
        print("kamailio is not installed (scripts/setup --test)")
        sys.exit(1 if os.environ.get("CI") else 77)
    main()
