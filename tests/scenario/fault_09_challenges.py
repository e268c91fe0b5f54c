"""Fault 9: a gateway challenges in every way: 401 then 407, a stale nonce, SHA-256 beside MD5, no qop. (As server: registrar, calling_out.)"""
import secrets

from gateways import REALM, Challenger, challenge, proved_call, register_and_leave, with_password
from harness import check, expect_record, main
from sip_peer import SipPeer


def story_401_then_407(rig):
    proved_call(rig, Challenger(), Challenger(code=407))


def story_401_then_407_sha256_beside_md5(rig):
    proved_call(rig, Challenger(["MD5", "SHA-256"]), Challenger(["MD5", "SHA-256"], code=407))


def story_sha256_beside_md5(rig):
    proved_call(rig, Challenger(["SHA-256", "MD5"]))


def story_no_qop(rig):
    proved_call(rig, Challenger(qop=None), realm=REALM)


def story_no_qop_sha256(rig):
    proved_call(rig, Challenger(["SHA-256"], qop=None, code=407))


def story_stale_between_401_and_407(rig):
    w = with_password(rig)

    def script(call):
        server, proxy = Challenger(), Challenger(code=407)
        challenge(call, server)
        server.nonce = secrets.token_hex(8)
        challenge(call, server, stale=True)
        challenge(call, proxy)
        check(server.proved(call.invite) is not None and proxy.proved(call.invite), "both must be proved in the end")
        call.answer()
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(talk_ms=300).report()
    expect_record(w.wait_records(1)[0], status="completed")
    peer.wait_done()


def story_register_without_qop(rig):
    register_and_leave(rig, Challenger(qop=None))


if __name__ == "__main__":
    main()
