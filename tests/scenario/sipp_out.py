"""Calls toward WhatsApp, and transfers, by a SIP stack that is not ours: sipp as caller and as transferor, told by the
files in sipp/. It knows no SHA-256 (3.6.1): that password is proved by hand."""
import hashlib
import re

from harness import NUMBER, USER, check, equal, expect_record, main, until
from sip_peer import SipPeer

OUT = [{"name": "out", "match": {"direction": "outbound", "to": "^\\+44"}, "actions": [{"whatsapp": {"number": NUMBER}}]},
       {"name": "in", "match": {"direction": "inbound"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "600"}}]}]
PASSWORD = "correct-horse-battery"    # also in sipp/uac_auth.xml
PERMITTED = {"permission": "permanent"}


def caller(rig, scenario, *args):
    """sipp that calls watrunk."""
    return rig.sipp(scenario, "-s", USER, *args, remote=rig.sip_port)


def dial(rig, users, *args):
    """Every one of users is called once, spoken to and hung up on."""
    listed = rig.dir / "users.csv"
    listed.write_text("SEQUENTIAL\n" + "".join(f"+{u['number']}\n" for u in users))
    (rig.dir / "speech.ul").write_bytes((b"\x9f" * 10 + b"\x1f" * 10) * 400)    # a second of 400 Hz, mu-law
    sim = rig.metasim(users=users)
    w = rig.watrunk(dialplan=OUT)
    sipp = caller(rig, "uac_dial", "-inf", listed, "-m", len(users), *args)
    equal(sipp.wait(60), 0, "exit code of sipp")
    records = w.wait_records(len(users))
    for record in records:
        expect_record(record, direction="outbound", status="completed", cause="normal", ended_by="sip", gateway="pbx", sip_codec="PCMU")
    equal(sorted(r["user_number"] for r in records), sorted("+" + u["number"] for u in users), "users called")
    w.check_idle()
    for meta in sim.report():
        check(meta["rx_packets"] > 30, f"user {meta['user']} heard {meta['rx_packets']} packets")
    return sim


def story_dials(rig):
    sim = dial(rig, [rig.user(**PERMITTED, answer_after_ms=300)], "-d", 1500)
    check("audio_heard" in sim.events(1), "the user heard nothing of sipp's file")


def story_dials_over_tcp(rig):
    dial(rig, [rig.user(number=f"44770090{n:04}", **PERMITTED, answer_after_ms=300) for n in range(3)], "-d", 1000, "-t", "t1")


def story_hundred_calls_ten_a_second(rig):
    dial(rig, [rig.user(number=f"44770090{n:04}", **PERMITTED, answer_after_ms=300) for n in range(100)], "-d", 1500, "-r", 10, "-l", 100)


def story_cancels(rig):
    sim = rig.metasim(users=[rig.user(**PERMITTED, on_call="ignore")])
    w = rig.watrunk(dialplan=OUT)
    equal(caller(rig, "uac_cancel", "-m", 1).wait(20), 0, "exit code of sipp")
    record, = w.wait_records(1)
    expect_record(record, direction="outbound", status="cancelled", cause="cancelled", ended_by="sip", answered_ms=None)
    w.check_idle()
    meta, = sim.report()
    equal(meta["ended_by"], "business", "ended by")


def with_users(rig, digest):
    sim = rig.metasim(users=[rig.user(**PERMITTED, answer_after_ms=300)])
    w = rig.watrunk(dialplan=OUT, gateways=[rig.gateway(inbound=False)],
                    sip={"users": [{"name": "desk1", "password": PASSWORD}], "digest": digest})
    return w, sim


def proves_md5(rig, digest):
    w, sim = with_users(rig, digest)
    equal(caller(rig, "uac_auth", "-m", 1, "-d", 500, "-auth_uri", f"{USER}@127.0.0.1:{rig.sip_port}").wait(20), 0, "exit code of sipp")
    record, = w.wait_records(1)
    expect_record(record, direction="outbound", status="completed", cause="normal", ended_by="sip", user_number=USER)
    equal(w.counters()["sip_auth_failed"], 0, "sip_auth_failed")
    sim.report()


def story_proves_a_password(rig):
    proves_md5(rig, "md5")


def story_proves_a_password_when_both_are_offered(rig):
    proves_md5(rig, "both")


def hexed(text):
    return hashlib.sha256(text.encode()).hexdigest()


def authorization(challenge, uri, password):
    """RFC 7616 s3.4.1, by hashlib and nothing of ours."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge.partition(" ")[2]))
    nc, cnonce = "00000001", "0a4f113b"
    ha1, ha2 = hexed(f"desk1:{fields['realm']}:{password}"), hexed(f"INVITE:{uri}")
    response = hexed(f"{ha1}:{fields['nonce']}:{nc}:{cnonce}:auth:{ha2}")
    return (f"Authorization: Digest username=\"desk1\", realm=\"{fields['realm']}\", nonce=\"{fields['nonce']}\", uri=\"{uri}\", "
            f"algorithm=SHA-256, qop=auth, nc={nc}, cnonce=\"{cnonce}\", response=\"{response}\"")


def proves_sha256(rig, digest, password=PASSWORD):
    """watrunk, metasim and the INVITE with the answer to its challenge."""
    w, sim = with_users(rig, digest)
    peer = rig.add(SipPeer(rig, lambda call: None))
    first = peer.dial(USER)
    refused = first.wait_response(401)
    challenge, = [c for c in refused.all("WWW-Authenticate") if "SHA-256" in c]
    equal(len(refused.all("WWW-Authenticate")), 2 if digest == "both" else 1, "challenges")
    return w, sim, peer.dial(USER, headers=[authorization(challenge, first.uri, password)])


def story_proves_a_password_by_sha256(rig):
    w, sim, call = proves_sha256(rig, "sha-256")
    call.wait_answer()
    sim.wait_user_event("audio_heard")
    call.bye()
    expect_record(w.wait_records(1)[0], direction="outbound", status="completed", ended_by="sip")
    sim.report()


def story_sha256_beside_md5(rig):
    w, sim, call = proves_sha256(rig, "both")
    call.wait_answer()
    call.bye()
    w.wait_records(1)
    sim.report()


def story_wrong_password_by_sha256(rig):
    w, sim, call = proves_sha256(rig, "sha-256", password="guessed")
    call.wait_response(401)
    equal(w.counters()["sip_auth_failed"], 1, "sip_auth_failed")
    equal((w.records(), sim.report()), ([], []), "records, calls at Meta")


def story_refers(rig):
    """sipp answers a user's call and sends him on to another sipp."""
    desk = rig.ports.one()
    w = rig.watrunk(dialplan=OUT, gateways=[rig.gateway(), {"name": "desk", "uri": f"sip:127.0.0.1:{desk};transport=udp"}])
    target = rig.sipp("answers", "-m", 1, "-rtp_echo", port=desk)
    transferor = rig.sipp("refer", "-m", 1, "-rtp_echo", "-key", "refer_to", f"sip:700@127.0.0.1:{desk}")
    sim = rig.metasim(users=[rig.user(steps=[{"call": True}])])
    equal(transferor.wait(20), 0, "exit code of the transferor")
    until(lambda: w.events("sip_transferred"), "the transfer")
    sim.act(hang_up=True)
    equal(target.wait(20), 0, "exit code of the target")
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", gateway="desk")
    meta, = sim.report()
    equal(meta["rx_lost"], 0, "packets missing in the stream toward WhatsApp")


if __name__ == "__main__":
    main()
