"""Gateways that want a password, that we register with, that we watch."""
import hashlib
import re
import secrets

from harness import check, equal, expect_record, main
from sip_peer import SipPeer

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


if __name__ == "__main__":
    main()
