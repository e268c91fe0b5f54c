"""A caller who came over a connection gets our requests over that connection: he may take no other (a telephone behind a NAT,
linphone over TLS). When it is gone, they go to his Contact. RFC 5626 s5.3, RFC 5923."""
import ssl

from calling_out import PERMITTED, RULES
from harness import USER, check, equal, expect_record, main, until
from sip_peer import SipPeer
from tls import Authority


def nobody(call):
    raise AssertionError("an INVITE to the gateway")


def begin(rig, transport):
    """watrunk, and a caller whose Contact names a port at which nobody listens."""
    tls = None
    sim = rig.metasim(users=[rig.user(**PERMITTED)])
    sip = {"listen": [f"{t}:127.0.0.1:{rig.sip_port}" for t in ("udp", "tcp")]}
    port = rig.sip_port
    if transport == "tls":
        authority, port = Authority(rig, "ca"), rig.ports.one()
        certificate, key = authority.issue("trunk", "DNS:trunk.example")
        sip = {"listen": [*sip["listen"], f"tls:127.0.0.1:{port}"], "tls": {"certificate": certificate, "key": key, "ca": authority.pem}}
        tls = ssl.create_default_context(cafile=authority.pem)
        tls.check_hostname = False
    w = rig.watrunk(dialplan=RULES, sip=sip)
    peer = rig.add(SipPeer(rig, nobody, transport=transport))
    peer.contact = f"<sip:phone@127.0.0.1:{rig.ports.one()};transport={transport}>"
    call = peer.dial(USER, port=port, tls=tls)
    call.wait_answer()
    sim.wait_user_event("audio_heard")
    return w, sim, peer, call


def user_hangs_up(w, sim, peer, call):
    sim.act(hang_up=True)
    call.expect("BYE")
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")
    peer.check()


def keep_alive_s(rig, peer):
    """When watrunk's kernel asks next whether the other end lives; far away: never (proc(5), /proc/net/tcp)."""
    ports = rig.sip_port, peer.connections[0].getsockname()[1]
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in list(f)[1:]:
            local, remote, timer = (line.split()[n] for n in (1, 2, 5))
            if tuple(int(a.split(":")[1], 16) for a in (local, remote)) == ports:
                kind, when = timer.split(":")
                return int(when, 16) / 100 if kind == "02" else 1e9
    return 1e9


def story_tcp(rig):
    w, sim, peer, call = begin(rig, "tcp")
    equal(call.request("OPTIONS").status, 200, "answer within the dialog")
    until(lambda: keep_alive_s(rig, peer) <= 60, "the kernel to ask whether the peer is there")
    user_hangs_up(w, sim, peer, call)
    equal(len(peer.connections), 1, "connections")


def story_tls(rig):
    w, sim, peer, call = begin(rig, "tls")
    user_hangs_up(w, sim, peer, call)
    equal(len(peer.connections), 1, "connections")


def story_gone_with_its_connection(rig):
    """Then the Contact counts; the closed connection's descriptor is not kept for the call."""
    w, sim, peer, call = begin(rig, "tcp")
    before = w.fds()
    peer.connections[0].shutdown(2)
    until(lambda: w.fds() == before - 1, "the connection to be closed")
    listener = rig.add(SipPeer(rig, nobody, transport="tcp", port=int(peer.contact.split(":")[2].split(";")[0])))
    listener.by_id[call.id] = call
    sim.act(hang_up=True)
    until(lambda: any(m.method == "BYE" for m in call.log), "BYE at the Contact")
    check(len(listener.connections) == 1, "it came over a connection of its own")
    call.send = listener.connections[0].sendall
    call.expect("BYE")
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")


def story_moved_by_a_re_invite(rig):
    """The caller has lost his connection and made another, from which he renews the call."""
    w, sim, peer, call = begin(rig, "tcp")
    first = peer.connections[0]
    second = peer.open_connection(("127.0.0.1", rig.sip_port))
    call.send = second.sendall
    answer = call.request("INVITE", sdp=call.sdp())
    equal(answer.status, 200, "answer to the re-INVITE")
    call.ack(answer)
    first.shutdown(2)
    user_hangs_up(w, sim, peer, call)
    equal(len(peer.connections), 2, "connections")


def story_not_a_proxy_s_connection(rig):
    """A proxy that does not record itself has no part in the dialog: our BYE is for the Contact."""
    sim = rig.metasim(users=[rig.user(**PERMITTED)])
    w = rig.watrunk(dialplan=RULES)
    phone = rig.add(SipPeer(rig, nobody))
    proxy = rig.add(SipPeer(rig, nobody, transport="tcp", port=rig.ports.one()))
    proxy.contact = phone.contact
    call = proxy.dial(USER, headers=[f"Via: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKfarther"])
    phone.by_id[call.id] = call
    call.wait_answer()
    sim.wait_user_event("audio_heard")
    over = []
    proxy.dispatch = lambda message, send: over.append(message)
    call.send = lambda out: phone.socket.sendto(out, ("127.0.0.1", rig.sip_port))
    sim.act(hang_up=True)
    call.expect("BYE")
    equal([m.start for m in over], [], "what the proxy got")
    sim.report()
    expect_record(w.wait_records(1)[0], status="completed", ended_by="user")


if __name__ == "__main__":
    main()
