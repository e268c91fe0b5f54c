"""Gateways that want a password, that we register with, that we watch."""
import hashlib
import re
import secrets

from harness import check, equal, expect_record, main, until
from reload import write
from sip_peer import Call, SipPeer

USER, PASSWORD, COLONS, REALM = "trunk17", "s3cret/with signs", "s3cret:with:colons", "pbx realm"


def hashed(algorithm, text):
    return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm], text.encode()).hexdigest()


class Challenger:
    """The server's side of digest: says what challenges to send, and whether a request is proved."""

    def __init__(self, algorithms=("MD5",), code=401, qop="auth", password=PASSWORD):
        self.password = password
        self.algorithms, self.code, self.qop, self.nonce, self.used = algorithms, code, qop, secrets.token_hex(8), set()

    def lines(self, stale=False):
        name = "WWW-Authenticate" if self.code == 401 else "Proxy-Authenticate"
        rest = (f', qop="{self.qop}"' if self.qop else "") + (", stale=true" if stale else "")
        return [f'{name}: Digest realm="{REALM}", nonce="{self.nonce}", opaque="o", algorithm={a}{rest}' for a in self.algorithms]

    def proved(self, message):
        """None: nothing said. Else whether it is right."""
        value = message.get("Authorization" if self.code == 401 else "Proxy-Authorization")
        if not value:
            return None
        p = {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^\s,]+)', value)}
        algorithm = p.get("algorithm", "MD5")
        check(algorithm in self.algorithms, f"answered with {algorithm}")
        equal((p["username"], p["realm"], p["opaque"]), (USER, REALM, "o"), "user, realm, opaque")
        ha1, ha2 = hashed(algorithm, f"{USER}:{REALM}:{self.password}"), hashed(algorithm, f"{message.method}:{p['uri']}")
        if self.qop:
            equal(p["qop"], "auth", "qop")
            check((p["nonce"], p["nc"]) not in self.used, "a nonce count used twice")
            self.used.add((p["nonce"], p["nc"]))
            want = hashed(algorithm, f"{ha1}:{p['nonce']}:{p['nc']}:{p['cnonce']}:{p['qop']}:{ha2}")
        else:
            want = hashed(algorithm, f"{ha1}:{p['nonce']}:{ha2}")
        return p["nonce"] == self.nonce and p["response"] == want


def challenge(call, challenger, stale=False):
    """Refuse the INVITE with a challenge; the next one takes its place."""
    call.reply(challenger.code, headers=challenger.lines(stale))
    call.expect("ACK")
    old, call.invite = call.invite, call.expect("INVITE", reply=0)
    check(int(call.invite.get("CSeq").split()[0]) > int(old.get("CSeq").split()[0]), "CSeq does not rise")
    equal(call.invite.get("From"), old.get("From"), "From of the second INVITE")
    equal(call.invite.body, old.body, "SDP of the second INVITE")
    equal(call.invite.get("X-WA-Call-Id"), old.get("X-WA-Call-Id"), "X-WA-Call-Id of the second INVITE")


def with_password(rig, **changes):
    return rig.watrunk(gateways=[rig.gateway(**{"user": USER, "password": PASSWORD, **changes})])


def proved_call(rig, *challengers, **changes):
    w = with_password(rig, **changes)

    def script(call):
        for c in challengers:
            challenge(call, c)
            check(c.proved(call.invite), "the INVITE does not prove anything")
        for c in challengers:
            check(c.code == challengers[-1].code or c.proved(call.invite) is not None, "the first proof is gone")
        call.reply(180)
        call.answer()
        bye = call.expect("BYE")
        check(challengers[-1].proved(bye), "the BYE is not proved")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(talk_ms=300).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user")
    peer.wait_done()
    check(not any(PASSWORD in str(line) for line in w.lines), "the password is in the log")


def story_md5(rig):
    proved_call(rig, Challenger())


def story_md5_of_1999(rig):
    proved_call(rig, Challenger(qop=None), realm=REALM)


def story_md5_auth_int_offered(rig):
    proved_call(rig, Challenger(qop="auth,auth-int"))


def story_md5_colons_in_the_password(rig):
    proved_call(rig, Challenger(password=COLONS), password=COLONS)


def story_sha256(rig):
    proved_call(rig, Challenger(["SHA-256"]))


def story_sha256_beside_md5(rig):
    proved_call(rig, Challenger(["MD5", "SHA-256"], code=407))


def story_proxy_then_server(rig):
    proved_call(rig, Challenger(code=407), Challenger())


def story_proxy_then_server_sha256(rig):
    proved_call(rig, Challenger(["SHA-256"], code=407), Challenger(["SHA-256"]))


def refused_twice(rig, challenger):
    w = rig.watrunk(gateways=[rig.gateway(user=USER, password="wrong")])

    def script(call):
        challenge(call, challenger)
        equal(challenger.proved(call.invite), False, "a wrong password")
        call.reply(challenger.code, headers=challenger.lines())
        call.expect("ACK")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="failed", sip_code=challenger.code)
    peer.wait_done()
    w.check_idle()


def story_wrong_password_md5(rig):
    refused_twice(rig, Challenger())


def story_wrong_password_sha256(rig):
    refused_twice(rig, Challenger(["SHA-256"]))


def stale_once(rig, challenger):
    w = with_password(rig)

    def script(call):
        challenge(call, challenger)
        challenger.nonce = secrets.token_hex(8)
        challenge(call, challenger, stale=True)
        check(challenger.proved(call.invite), "not proved with the new nonce")
        call.answer()
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(1)[0], status="completed")
    peer.wait_done()


def story_stale_nonce_md5(rig):
    stale_once(rig, Challenger())


def story_stale_nonce_sha256(rig):
    stale_once(rig, Challenger(["SHA-256"]))


def story_always_stale(rig):
    """A server that is never content ends the call, not us."""
    for challenger in Challenger(), Challenger(["SHA-256"]):
        w = with_password(rig)

        def script(call):
            for _ in range(20):
                challenger.nonce = secrets.token_hex(8)
                call.reply(challenger.code, headers=challenger.lines(stale=True))
                call.expect("ACK")
                try:
                    call.invite = call.expect("INVITE", reply=0, timeout=1)
                except AssertionError:
                    return
            raise AssertionError("asked for ever")
        peer = SipPeer(rig, script)
        rig.metasim().report()
        expect_record(w.wait_records(1)[0], status="failed", sip_code=401)
        peer.wait_done()
        peer.close()
        w.check_idle()
        w.stop()
        (rig.dir / "calls.db").unlink()


def story_another_realm_is_not_answered(rig):
    w = with_password(rig, realm="ours")

    def script(call):
        call.reply(401, headers=Challenger().lines())
        call.expect("ACK")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim().report()
    expect_record(w.wait_records(1)[0], status="failed", sip_code=401)
    peer.wait_done()
    w.check_idle()


def story_user_gives_up_after_the_proof(rig):
    w = with_password(rig)
    for algorithm in "MD5", "SHA-256":
        challenger = Challenger([algorithm])

        def script(call):
            challenge(call, challenger)
            call.reply(180)
            call.expect("CANCEL")
            call.reply(487)
            call.expect("ACK")
        peer = SipPeer(rig, script)
        rig.metasim(give_up_ms=400).report()
        peer.wait_done()
        peer.close()
    for record in w.wait_records(2):
        expect_record(record, status="cancelled", cause="cancelled")
    w.check_idle()


# ---- registration and watch ----

class Server(SipPeer):
    """A gateway that is also asked outside of calls. answer(message) gives (code, header lines), or None: silence."""

    def __init__(self, rig, answer, script=None):
        self.answer, self.asked = answer, []
        super().__init__(rig, script or (lambda call: call.reply(486)))

    def dispatch(self, message, send):
        if message.method not in ("REGISTER", "OPTIONS"):
            super().dispatch(message, send)
            return
        self.asked.append(message)
        answer = self.answer(message)
        if answer:
            lines = [f"SIP/2.0 {answer[0]} Answer", *[f"Via: {v}" for v in message.all("Via")], f"From: {message.get('From')}",
                     f"To: {message.get('To')};tag=s", f"Call-ID: {message.get('Call-ID')}", f"CSeq: {message.get('CSeq')}", *answer[1]]
            send(Call.finish(lines, None))


def keeper(challenger, expires=4):
    """A registrar that wants proof, and keeps what it is told."""
    def answer(message):
        if not challenger.proved(message):
            return challenger.code, challenger.lines(stale=bool(message.get("Authorization")))
        if message.get("Expires") == "0":
            return 200, []
        return 200, [f"Contact: {message.get('Contact')};expires={expires}"]
    return answer


def registers(rig, **changes):
    return rig.watrunk(gateways=[rig.gateway(**{"user": USER, "password": PASSWORD, "register": True, **changes})])


def register_and_leave(rig, challenger):
    server = rig.add(Server(rig, keeper(challenger)))
    w = registers(rig, contact_user="442079460000")
    w.wait_event("gateway_registered")
    equal(w.gauges()["gateways_registered"], 1, "gauge")
    first = server.asked[-1]
    check(first.get("To").startswith(f"<sip:{USER}@127.0.0.1>"), f"address of record {first.get('To')}")
    check(first.get("Contact").startswith(f"<sip:442079460000@127.0.0.1:{rig.sip_port}"), f"Contact {first.get('Contact')}")
    until(lambda: len(server.asked) >= 4, "two refreshes")
    equal({m.get("Call-ID") for m in server.asked}, {first.get("Call-ID")}, "Call-IDs")
    numbers = [int(m.get("CSeq").split()[0]) for m in server.asked]
    equal(numbers, sorted(set(numbers)), "CSeq numbers")
    equal(sum(m.get("Authorization") is None for m in server.asked), 1, "REGISTERs without proof")
    w.stop()
    equal(server.asked[-1].get("Expires"), "0", "the last REGISTER's Expires")
    equal(len(w.events("gateway_registered")), 1, "told once")
    check(not any(PASSWORD in str(line) for line in w.lines), "the password is in the log")


def story_registers_md5(rig):
    register_and_leave(rig, Challenger())


def story_registers_sha256(rig):
    register_and_leave(rig, Challenger(["MD5", "SHA-256"]))


def story_registration_with_a_new_nonce_each_time(rig):
    challenger = Challenger()

    def answer(message):
        reply = keeper(challenger)(message)
        if reply[0] == 200:
            challenger.nonce = secrets.token_hex(8)
        return reply
    server = rig.add(Server(rig, answer))
    w = registers(rig)
    until(lambda: len([m for m in server.asked if m.get("Authorization")]) >= 5, "refreshes")
    equal((w.counters()["sip_register_failed"], w.gauges()["gateways_registered"]), (0, 1), "failures, registered")


def story_registration_refused_then_taken(rig):
    challenger, refusals = Challenger(), []

    def answer(message):
        if len(refusals) < 2:
            refusals.append(message)
            return 403, []
        return keeper(challenger)(message)
    rig.add(Server(rig, answer))
    w = registers(rig)
    w.wait_event("gateway_register_failed", sip="403")
    w.wait_event("gateway_registered", timeout=30)
    equal(len(w.events("gateway_register_failed")), 1, "told once")
    equal(w.counters()["sip_register_failed"], 2, "counter")


def story_registration_with_a_wrong_password(rig):
    challenger = Challenger()
    server = rig.add(Server(rig, keeper(challenger)))
    challenger.lines = lambda stale=False: Challenger.lines(challenger)
    w = registers(rig, password="wrong")
    w.wait_event("gateway_register_failed", sip="401")
    equal(len(server.asked), 2, "REGISTERs")


def story_registration_asked_for_longer(rig):
    def answer(message):
        if int(message.get("Expires")) < 900:
            return (423, ["Min-Expires: 900"]) if message.get("Expires") != "0" else (200, [])
        return 200, [f"Contact: {message.get('Contact')}", "Expires: 900"]
    rig.add(Server(rig, answer))
    w = registers(rig)
    w.wait_event("gateway_registered")
    equal(w.counters()["sip_register_failed"], 0, "failures")


def story_a_reload_changes_registrations(rig):
    """Another Contact, another password, no registration at all: each without a restart, and nothing is left at the registrar."""
    challenger, bindings = Challenger(), {}

    def answer(message):
        if message.method == "OPTIONS":
            return 200, []
        if not challenger.proved(message):
            challenger.nonce = secrets.token_hex(8)
            return 401, challenger.lines(stale=bool(message.get("Authorization")))
        user = re.match(r"<sip:(\w+)@", message.get("Contact")).group(1)
        bindings[user] = (message.get("Expires"), message.get("Call-ID"), int(message.get("CSeq").split()[0]))
        return 200, [] if message.get("Expires") == "0" else [f"Contact: {message.get('Contact')};expires=600"]
    server = rig.add(Server(rig, answer))
    keys = {"user": USER, "password": PASSWORD, "register": True, "contact_user": "first", "ping": 1}
    w = rig.watrunk(gateways=[rig.gateway(**keys)])
    w.wait_event("gateway_registered")

    def reload(**changes):
        write(w, rig.config(gateways=[rig.gateway(**{**keys, **changes})]))
        equal(w.post("/v1/reload"), (200, {"reloaded": True, "needs_restart": []}), "reload")
    before = bindings["first"]
    reload(number_format="digits")
    reload(contact_user="second")
    until(lambda: bindings["first"][0] == "0", "the first Contact to be taken back")
    equal(bindings["first"][1], before[1], "Call-ID that takes it back")
    w.wait_event("gateway_registered", count=2)
    before = bindings["second"]
    challenger.password = "another one"
    reload(contact_user="second", password="another one")
    until(lambda: bindings["second"][2] > before[2], "a REGISTER with the new password")
    equal(bindings["second"][1], before[1], "Call-ID with the new password")
    equal(w.gauges()["gateways_registered"], 1, "registered")
    reload(contact_user="second", password="another one", register=False)
    until(lambda: bindings["second"][0] == "0", "the registration to be taken back")
    asked = len([m for m in server.asked if m.method == "OPTIONS"])
    until(lambda: len([m for m in server.asked if m.method == "OPTIONS"]) > asked, "OPTIONS go on")
    equal((w.gauges()["gateways_registered"], w.counters()["sip_register_failed"]), (0, 0), "registered, failures")


def story_a_gateway_that_is_down_stays_down_over_a_reload(rig):
    code = [503]
    rig.add(Server(rig, lambda m: (code[0], [])))
    w = rig.watrunk(gateways=[rig.gateway(ping=1)])
    w.wait_event("gateway_down", sip="503")
    write(w, rig.config(gateways=[rig.gateway(ping=1, user=USER, password=PASSWORD)]))
    equal(w.post("/v1/reload")[0], 200, "reload")
    equal(w.gauges()["gateways_down"], 1, "gauge")
    code[0] = 200
    w.wait_event("gateway_up", sip="200")
    write(w, rig.config(gateways=[rig.gateway()]))
    equal(w.post("/v1/reload")[0], 200, "reload")
    equal(w.gauges()["gateways_down"], 0, "gauge of one that is not watched")


def story_stop_does_not_wait_for_a_silent_registrar(rig):
    answers = [True]
    rig.add(Server(rig, lambda m: (200, [f"Contact: {m.get('Contact')};expires=60"]) if answers[0] else None))
    w = registers(rig)
    w.wait_event("gateway_registered")
    answers[0] = False
    w.stop()


def story_down_and_up(rig):
    code = [503]
    server = rig.add(Server(rig, lambda m: (code[0], []), lambda call: (call.answer(), call.expect("BYE"))))
    w = rig.watrunk(gateways=[rig.gateway(ping=1)])
    w.wait_event("gateway_down", sip="503")
    equal(w.gauges()["gateways_down"], 1, "gauge")
    rig.metasim().report()
    expect_record(w.wait_records(1)[0], status="failed", cause="gateway_down", sip_call_id=None)
    equal(len(server.calls), 0, "calls while down")
    code[0] = 405
    w.wait_event("gateway_up", sip="405")
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(2)[1], status="completed")
    equal((w.counters()["sip_gateway_down"], w.counters()["gateway_limited"], w.gauges()["gateways_down"]), (1, 1, 0), "counters")
    server.wait_done()


def story_one_lost_ping_is_nothing(rig):
    n = [0]

    def answer(_):
        n[0] += 1
        return (503 if n[0] % 3 else 200), []
    rig.add(Server(rig, answer))
    w = rig.watrunk(gateways=[rig.gateway(ping=1)])
    until(lambda: n[0] >= 7, "pings", 20)
    equal(w.counters()["sip_gateway_down"], 0, "counter")


def story_called_even_when_down(rig):
    rig.add(Server(rig, lambda m: (503, []), lambda call: (call.answer(), call.expect("BYE"))))
    w = rig.watrunk(gateways=[rig.gateway(ping=1, call_when_down=True)])
    w.wait_event("gateway_down")
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(1)[0], status="completed")


# ---- limits and numbers ----

def story_no_more_calls_than_allowed(rig):
    w = rig.watrunk(gateways=[rig.gateway(max_calls=2)])
    peer = rig.add(SipPeer(rig, lambda call: (call.answer(), call.expect("BYE"))))
    rig.metasim(talk_ms=2000, calls=3, interval_ms=200).report()
    records = w.wait_records(3)
    equal(sorted(r["cause"] for r in records), ["congestion", "normal", "normal"], "causes")
    equal(w.counters()["gateway_limited"], 1, "counter")
    rig.metasim(talk_ms=200).report()
    expect_record(w.wait_records(4)[3], status="completed")
    peer.wait_done()


def story_no_more_calls_a_second_than_allowed(rig):
    w = rig.watrunk(gateways=[rig.gateway(calls_per_second=1)])
    peer = rig.add(SipPeer(rig, lambda call: (call.answer(), call.expect("BYE"))))
    rig.metasim(talk_ms=500, calls=4, interval_ms=1).report()
    causes = [r["cause"] for r in w.wait_records(4)]
    check("congestion" in causes and "normal" in causes, f"causes {causes}")
    peer.wait_done()


def story_numbers_as_digits_and_e164(rig):
    for form, to, mine in ("digits", "12025550123", "447700900123"), ("e164", "+12025550123", "+447700900123"):
        peer = SipPeer(rig, lambda call: (call.reply(486), call.expect("ACK")))
        w = rig.watrunk(gateways=[rig.gateway(number_format=form)], dialplan=[{"name": "all", "actions": [
            {"bridge": {"gateways": ["pbx"], "user": "{to}"}}]}])
        rig.metasim().report()
        w.wait_records(1)
        invite = peer.wait_calls().invite
        check(invite.start.startswith(f"INVITE sip:{to}@127.0.0.1"), invite.start)
        check(f"<sip:{to}@" in invite.get("To"), f"To {invite.get('To')}")
        check(f"<sip:{mine}@" in invite.get("From"), f"From {invite.get('From')}")
        peer.wait_done()
        peer.close()
        w.stop()
        (rig.dir / "calls.db").unlink()


if __name__ == "__main__":
    main()
