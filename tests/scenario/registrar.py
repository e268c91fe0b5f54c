"""Users who register: bindings come, go and last; gateways that are such users are called where they registered."""
import contextlib
import json
import queue

from dns_server import DnsServer
from harness import check, equal, expect_record, main, until
from sip_peer import RawSip, SipPeer
from sip_phone import Phone, authorization, bound

DESK1 = {"name": "desk1", "password": "s3cret", "register": True}
DESK2 = {"name": "desk2", "password": "other", "register": True}
CALLER = {"name": "caller", "password": "s3cret"}
DESK = {"name": "desk", "registered_as": "desk1"}


def running(rig, users=(DESK1, DESK2, CALLER), gateways=None, to=("desk",), **sip):
    rule = {"name": "all", "actions": [{"bridge": {"gateways": list(to), "user": "600"}}]}
    return rig.watrunk(sip={"users": list(users), **sip}, gateways=gateways or [DESK, rig.gateway()], dialplan=[rule])


def nobody(call):
    raise AssertionError(f"called: {call.invite.start}")


def picks_up(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def refuses(code):
    def script(call):
        call.reply(code)
        call.expect("ACK")
    return script


def silent(_call):
    pass


def registrations(w):
    return w.admin("GET", "/v1/registrations")[1]["registrations"]


def answered_call(rig, w, *phones):
    rig.metasim(talk_ms=300).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user")
    for phone in phones:
        phone.wait_done()
    return record


def story_bindings_come_and_go(rig):
    w = running(rig)
    phone = rig.add(Phone(rig, nobody))
    mine, other = phone.uri, "sip:desk1@192.0.2.9:5062;transport=tcp"
    equal(bound(phone.register(expires=120)), {mine: 120}, "bound")
    equal(bound(phone.register([])), {mine: 120}, "a query")
    equal(bound(phone.register([f'"Front desk" <{other}>;q=0.5;expires=300'])), {mine: 120, other: 300}, "a second one")
    refused = phone.register(expires=59)
    equal((refused.status, refused.get("Min-Expires")), (423, "60"), "too short")
    equal(phone.register(cseq=1).status, 500, "an old CSeq")
    phone.register_cseq += 10
    equal(phone.register(to="desk2").status, 403, "another's address")
    equal(phone.register(["<tel:+15550100>"]).status, 400, "tel:")
    equal(phone.register(["*"], expires=10).status, 400, "* without Expires: 0")
    equal(bound(phone.register([f"<{other}>;expires=0"])), {mine: 120}, "one taken away")
    equal(bound(phone.register(["*"], expires=0)), {}, "all taken away")
    equal(w.counters()["sip_registers_in"], 5, "sip_registers_in")
    phone.check()


def story_strangers_learn_nothing(rig):
    w = running(rig)
    phone = rig.add(Phone(rig, nobody))
    answers = [phone.register(user=user, password="guess", to=user) for user in ("desk1", "nobody", "caller")]
    lines = [[h for h, _ in a.headers] for a in answers]
    equal([a.status for a in answers], [401] * 3, "wrong proofs")
    check(lines[0] == lines[1] == lines[2], "an unknown user's answer looks different")
    equal(phone.register(user="caller", to="caller").status, 403, "a user who may not register")
    equal(registrations(w), [], "registrations")
    equal(w.counters()["sip_auth_failed"], 3, "sip_auth_failed")


def story_bindings_survive_a_restart(rig):
    w = running(rig)
    phone = rig.add(Phone(rig, picks_up))
    phone.register(expires=300)
    before, = registrations(w)
    w.stop()
    w = running(rig)
    equal(registrations(w), [before], "registrations after the restart")
    answered_call(rig, w, phone)


def story_operator_sees_and_removes(rig):
    w = running(rig)
    phone = rig.add(Phone(rig, nobody))
    phone.register()
    binding, = registrations(w)
    equal((binding["user"], binding["contact"], binding["transport"], binding["agent"]), ("desk1", phone.uri, "udp", "a phone"), "binding")
    equal(w.gauges()["registrations"], 1, "gauge")
    equal(w.admin("GET", "/v1/registrations?user=desk2")[1]["registrations"], [], "of another")
    code, out, _ = w.cli("registrations")
    check(code == 0 and phone.uri in out and "1 registered" in out, out)
    equal(w.admin("DELETE", "/v1/registrations/b-0000")[0], 404, "an unknown one")
    code, out, err = w.cli("registrations", "drop", binding["id"])
    check(code == 0 and "removed" in out, out + err)
    equal(registrations(w), [], "registrations")
    equal(bound(phone.register([])), {}, "bound")


def story_no_binding_next_gateway(rig):
    w = running(rig, to=("desk", "pbx"))
    peer = rig.add(SipPeer(rig, picks_up))
    equal(answered_call(rig, w, peer)["gateway"], "pbx", "gateway")


def story_no_binding_no_other(rig):
    w = running(rig)
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="gateway_down")


def story_one_after_another(rig):
    """Newest first; who is busy, and who is silent, is passed over; the last one answers."""
    w = running(rig)
    phones = [rig.add(Phone(rig, script)) for script in (picks_up, silent, refuses(486))]
    for phone in phones:
        phone.register()
    record = answered_call(rig, w, phones[0], phones[2])
    equal([len(p.by_id) for p in phones], [1, 1, 1], "INVITEs")
    equal(record["gateway"], "desk", "gateway")
    equal(phones[0].calls[0].invite.get("To"), "<sip:600@trunk.example>", "To")


def story_declined_for_all(rig):
    w = running(rig)
    phones = [rig.add(Phone(rig, script)) for script in (nobody, refuses(603))]
    for phone in phones:
        phone.register()
    rig.metasim().report()
    record, = w.wait_records(1)
    equal(record["status"], "rejected", "status")
    phones[1].wait_done()
    equal(phones[0].calls, [], "calls of the other one")


def story_caller_gives_up_between(rig):
    """The user hangs up while the second telephone rings."""
    rang = queue.Queue()

    def rings(call):
        call.reply(180)
        rang.put(True)
        call.expect("CANCEL")
        call.reply(487)
        call.expect("ACK")
    w = running(rig)
    phones = [rig.add(Phone(rig, script)) for script in (rings, refuses(480))]
    for phone in phones:
        phone.register()
    sim = rig.metasim(give_up_ms=1500)
    rang.get(timeout=15)
    sim.report()
    w.wait_records(1)
    phones[0].wait_done()


def story_behind_nat(rig):
    """A private Contact that is not where the REGISTER came from: INVITE, ACK and BYE go to the source."""
    w = running(rig)
    phone = rig.add(Phone(rig, picks_up, contact="sip:desk1@10.99.1.2:5060;rinstance=5"))
    phone.register()
    answered_call(rig, w, phone)
    equal(phone.calls[0].invite.start, "INVITE sip:desk1@10.99.1.2:5060;rinstance=5 SIP/2.0", "request line")


def story_over_its_connection(rig):
    """Registered over TCP: called over that connection, though the Contact's port is closed."""
    w = running(rig)
    phone = rig.add(Phone(rig, picks_up, transport="tcp", contact="sip:desk1@127.0.0.1:9;transport=tcp;ob"))
    phone.register()
    answered_call(rig, w, phone)
    equal(phone.calls[0].invite.start, "INVITE sip:desk1@127.0.0.1:9;transport=tcp;ob SIP/2.0", "request line")


def story_path(rig):
    """RFC 3327: called through the proxy that it registered through."""
    w = running(rig)
    proxy = rig.add(SipPeer(rig, picks_up))
    phone = rig.add(Phone(rig, nobody, contact="sip:desk1@192.0.2.77"))
    path = f"<sip:flow7@127.0.0.1:{proxy.port};lr>"
    answer = phone.register(headers=[f"Path: {path}", "Supported: path"])
    equal(answer.get("Path"), path, "Path of the answer")
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="user")
    proxy.wait_done()
    invite = proxy.calls[0].invite
    equal((invite.start, invite.get("Route")), ("INVITE sip:desk1@192.0.2.77 SIP/2.0", path), "INVITE")


def story_calls_go_to_no_one_who_trusts_us(rig):
    """Whoever registers from elsewhere does not call a gateway, or watrunk itself, in watrunk's name."""
    w = running(rig, gateways=[DESK, rig.gateway(inbound=False), {"name": "pbx2", "uri": "sip:198.51.100.1"}])
    pbx = rig.add(SipPeer(rig, nobody))
    phone = rig.add(Phone(rig, nobody, contact="sip:900@192.0.2.77"))
    for hostile in ("sip:900@198.51.100.1", "sip:900@198.51.100.1:5070;transport=tcp", "sip:900@[::ffff:198.51.100.1]",
                    "sip:900@192.0.2.77;x;maddr=198.51.100.1",
                    f"sip:desk1@127.0.0.1:{rig.sip_port}", f"sip:desk1@trunk.example:{rig.sip_port};transport=tcp"):
        equal(phone.register([f"<{hostile}>"]).status, 403, hostile)
        equal(phone.register(headers=[f"Path: <{hostile};lr>", "Supported: path"]).status, 403, f"Path: {hostile}")
        equal(bound(phone.register([f"<{hostile}>;expires=0"])), {}, "taking away is allowed")
    for within in ("0.0.0.0", "[::]", "[::ffff:0.0.0.0]", "127.0.0.9"):     # by UDP such a Contact would mean where he is
        path = f"<sip:900@{within}:{rig.gateway_port};lr>"
        equal(phone.register(headers=[f"Path: {path}", "Supported: path"]).status, 403, f"Path: {path}")
    equal(registrations(w), [], "registrations")
    equal(phone.register().status, 200, "an address of nobody's")
    equal(pbx.calls, [], "calls of the gateway")


def story_names_that_lead_to_who_trusts_us(rig):
    """Known only when the call is made: refused then as the address is, and the next binding is called."""
    dns = DnsServer(rig, {("pbx.evil.example", "A"): ["198.51.100.1"], ("own.evil.example", "A"): ["127.0.0.1"],
                          ("any.evil.example", "A"): ["0.0.0.0"], ("loop.evil.example", "A"): ["127.0.0.9"],
                          ("phone.example", "A"): ["127.0.0.1"]})
    w = running(rig, gateways=[DESK, rig.gateway(inbound=False), {"name": "pbx2", "uri": "sip:198.51.100.1"}], resolver=dns.address)
    phone = rig.add(Phone(rig, picks_up))
    pbx, neighbour = rig.add(SipPeer(rig, nobody)), rig.add(RawSip(rig, source="127.0.0.9", port=rig.gateway_port))
    hostile = [f"<sip:900@{name}.evil.example:{rig.gateway_port}>" for name in ("any", "loop")]
    equal(phone.register(hostile).status, 200, "names of nobody's yet")
    rig.metasim().report()
    expect_record(w.wait_records(1)[0], status="failed", cause="gateway_down")
    equal(phone.register(["*"], expires=0).status, 200, "taken away")
    neighbour.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        check(False, f"called: {neighbour.socket.recv(100)}")
    equal(pbx.calls, [], "calls of what listens on this machine, under another of its addresses")
    hostile = ["<sip:900@pbx.evil.example:5060>;q=1.0", f"<sip:desk1@own.evil.example:{rig.sip_port}>;q=0.9"]
    equal(phone.register(hostile).status, 200, "names of nobody's yet")
    rig.metasim().report()
    record = w.wait_records(2)[1]
    expect_record(record, status="failed", cause="gateway_down")
    check("leads to a gateway, or to ourselves" in record["attempts"][0].get("detail", ""), f"attempts: {record['attempts']}")
    equal(phone.register([*hostile, f"<sip:desk1@phone.example:{phone.port}>;q=0.5"]).status, 200, "and his own, by name")
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(3)[2], status="completed", cause="normal", ended_by="user")
    check(phone.calls[0].invite.start.startswith(f"INVITE sip:desk1@phone.example:{phone.port} "), phone.calls[0].invite.start)
    phone.wait_done()


def story_a_name_that_nobody_knows(rig):
    """The name server is silent: the next gateway is called while the caller still waits."""
    dns = DnsServer(rig, {})
    dns.silent = True
    w = running(rig, to=("desk", "pbx"), resolver=dns.address)
    pbx = rig.add(SipPeer(rig, picks_up))
    equal(rig.add(Phone(rig, nobody)).register(["<sip:desk1@phone.example:5062>"]).status, 200, "a name of nobody's yet")
    record = answered_call(rig, w, pbx)
    equal([(a["gateway"], a["cause"], a.get("detail")) for a in record["attempts"]],
          [("desk", "gateway_down", "the name server does not answer"), ("pbx", "normal", None)], "attempts")


def story_gateway_at_a_registered_address(rig):
    """What became a gateway's address by a reload is called no more."""
    w = running(rig, gateways=[DESK, {"name": "pbx", "uri": "sip:192.0.2.1"}])
    phone = rig.add(Phone(rig, nobody, contact="sip:900@198.51.100.1"))
    equal(phone.register().status, 200, "an address of nobody's")
    config = rig.config(sip={"users": [DESK1, DESK2, CALLER]}, gateways=[DESK, {"name": "pbx", "uri": "sip:198.51.100.1"}],
                        dialplan=[{"name": "all", "actions": [{"bridge": {"gateways": ["desk"], "user": "600"}}]}])
    w.path.write_text(json.dumps(config))
    equal(w.admin("POST", "/v1/reload")[0], 200, "reload")
    rig.metasim().report()
    expect_record(w.wait_records(1)[0], status="failed", cause="gateway_down")


def story_reload(rig):
    """A user who is gone loses his bindings; who may no longer register does, too; new limits hold."""
    w = running(rig)
    phones = [rig.add(Phone(rig, nobody)), rig.add(Phone(rig, nobody, user="desk2", password="other"))]
    for phone in phones:
        phone.register()
    equal(len(registrations(w)), 2, "registrations")
    config = rig.config(sip={"users": [DESK1, {"name": "desk2", "password": "other"}], "registrar": {"min_expires": 100}},
                        gateways=[DESK, rig.gateway()],
                        dialplan=[{"name": "all", "actions": [{"bridge": {"gateways": ["desk"], "user": "600"}}]}])
    w.path.write_text(json.dumps(config))
    equal(w.admin("POST", "/v1/reload")[0], 200, "reload")
    equal([r["user"] for r in registrations(w)], ["desk1"], "registrations")
    equal(phones[0].register(expires=99).status, 423, "below the new bound")
    equal(phones[1].register().status, 403, "desk2")


def story_scanner_is_banned(rig):
    """Wrong passwords from somewhere: silence after ten, a log line, a list, and a pardon."""
    w = running(rig, bans={"failures": 5, "window": 60, "ban": 600}, gateways=[DESK, {"name": "pbx", "uri": "sip:192.0.2.1"}])
    phone = rig.add(Phone(rig, nobody))
    for _ in range(4):
        equal(phone.register(password="guess").status, 401, "a wrong password")
    # the fifth: no answer, and none to the right password either
    ask = RawSip(rig)
    uri = f"sip:127.0.0.1:{rig.sip_port}"
    wrong = authorization({"realm": "trunk.example", "nonce": "00"}, "REGISTER", uri, "desk1", "x")
    phone.send(("\r\n".join([f"REGISTER {uri} SIP/2.0", f"Via: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKlast;rport",
                             "From: <sip:desk1@x>;tag=1", "To: <sip:desk1@x>", "Call-ID: last", "CSeq: 1 REGISTER", wrong,
                             "Content-Length: 0"]) + "\r\n\r\n").encode())
    w.wait_event("source_banned", source="127.0.0.1", reason="wrong_proof")
    equal(ask.ask("OPTIONS", timeout=0.5), None, "answer to a banned source")
    ban, = w.admin("GET", "/v1/bans")[1]["bans"]
    equal((ban["source"], ban["reason"]), ("127.0.0.1", "wrong_proof"), "ban")
    code, out, _ = w.cli("bans")
    check(code == 0 and "127.0.0.1" in out and "1 banned" in out, out)
    until(lambda: w.counters()["sip_banned_dropped"] >= 1, "sip_banned_dropped")
    equal(w.admin("DELETE", "/v1/bans/192.0.2.200")[0], 404, "who is not banned")
    code, out, err = w.cli("bans", "lift", "127.0.0.1")
    check(code == 0 and "may ask again" in out, out + err)
    equal(phone.register().status, 200, "after the pardon")


if __name__ == "__main__":
    main()
