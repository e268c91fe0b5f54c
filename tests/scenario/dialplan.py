"""Which rule takes a call, what the INVITE then says, and the limits on how many calls there are."""
import datetime

from harness import check, equal, expect_record, main
from sip_peer import SipPeer

TO_PBX = {"bridge": {"gateways": ["pbx"], "user": "600"}}


def answers(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


def hours(from_hour, to_hour):
    """Opening hours in UTC relative to now, every day."""
    now = datetime.datetime.now(datetime.timezone.utc)
    at = [(now + datetime.timedelta(hours=h)).strftime("%H:%M") for h in (from_hour, to_hour)]
    return f"Mon-Sun {at[0]}-{at[1]} UTC"


def story_closed(rig):
    w = rig.watrunk(dialplan=[{"name": "office", "match": {"hours": hours(10, 12)}, "actions": [TO_PBX]},
                              {"name": "night", "actions": [{"reject": {"cause": "closed"}}]}])
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim().report()
    equal((meta["ended_by"], meta["pre_accept_us"]), ("business", None), "ended by, pre_accept")
    check(meta["reject_us"], "no reject")
    record, = w.wait_records(1)
    expect_record(record, status="rejected", cause="closed", ended_by="watrunk", rule="night", gateway=None, answered_ms=None)
    equal(peer.calls, [], "INVITEs")


def story_open(rig):
    w = rig.watrunk(dialplan=[{"name": "office", "match": {"hours": hours(-2, 2)}, "actions": [TO_PBX]},
                              {"name": "night", "actions": [{"reject": {"cause": "closed"}}]}])
    rig.add(SipPeer(rig, answers))
    rig.metasim(talk_ms=300).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", rule="office")


def story_rules_by_caller(rig):
    w = rig.watrunk(
        gateways=[rig.gateway(), rig.gateway(name="second", uri=f"sip:127.0.0.1:{rig.ports.one()};transport=udp")],
        dialplan=[{"name": "blocked", "match": {"from": "^\\+44790"}, "actions": [{"reject": {"cause": "not_allowed"}}]},
                  {"name": "british", "match": {"from": "^\\+44"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "440"}}]},
                  {"name": "nameless", "match": {"from": "^$"}, "actions": [{"bridge": {"gateways": ["pbx"], "user": "000"}}]},
                  {"name": "orders", "match": {"payload": "^order-[0-9]+$"}, "actions": [{"bridge": {"gateways": ["second"], "user": "{payload}"}}]}])
    peer = rig.add(SipPeer(rig, answers))
    second = rig.add(SipPeer(rig, answers, port=int(w.config["gateways"][1]["uri"].split(":")[2].split(";")[0])))
    for plan in ({"user": "447900000001"}, {"user": "447700900123"}, {"webhook": {"no_identity": True}},
                 {"user": "12025550777", "payload": "order-9"}, {"user": "12025550777", "payload": "order-x"}):
        rig.metasim(talk_ms=200, **plan).report()
    records = w.wait_records(5)
    equal([(r["rule"], r["status"], r["cause"]) for r in records],
          [("blocked", "rejected", "not_allowed"), ("british", "completed", "normal"), ("nameless", "completed", "normal"),
           ("orders", "completed", "normal"), (None, "rejected", "no_route")], "rule, status, cause of each call")
    equal([c.invite.start.split()[1].split("@")[0] for c in peer.calls], ["sip:440", "sip:000"], "first gateway's targets")
    equal([c.invite.start.split()[1].split("@")[0] for c in second.calls], ["sip:order-9"], "second gateway's targets")


def story_what_the_invite_says(rig):
    rule = {"name": "all", "actions": [{"bridge": {
        "gateways": ["pbx"], "user": "600", "caller_id": "{from}", "display_name": "{name} by WhatsApp",
        "headers": [{"name": "X-Order", "value": "{payload}"}, {"name": "X-Both", "value": "{number_id}/{from}"}]}}]}
    w = rig.watrunk(dialplan=[rule])
    peer = rig.add(SipPeer(rig, answers))
    meta, = rig.metasim(talk_ms=300, payload="order-77", name='Zoë "Z" <z>\r\nX-Evil: 1').report()
    invite = peer.calls[0].invite
    for name, value in {"X-Order": "order-77", "X-Both": "310000000000002/+447700900123", "X-WA-Call-Id": meta["wacid"],
                        "X-WA-Number-Id": "310000000000002", "X-WA-User": "+447700900123", "X-WA-User-Id": "GB.1000200030004000500",
                        "X-WA-Payload": "order-77", "X-Evil": None}.items():
        equal(invite.get(name), value, f"INVITE: {name}")
    check("+447700900123@trunk.example" in invite.get("From"), f"From: {invite.get('From')}")
    check("Zoë" in invite.get("From") and "by WhatsApp" in invite.get("From"), f"display name in From: {invite.get('From')}")
    check('\\"Z\\"' in invite.get("From"), f"quotes of the display name in From: {invite.get('From')}")
    check("sip:+447700900123@trunk.example" in invite.get("P-Asserted-Identity"), invite.get("P-Asserted-Identity"))
    check("Zoë" in invite.get("X-WA-Name"), f"X-WA-Name: {invite.get('X-WA-Name')}")
    formats = invite.sdp_line("m=audio ")[0].split()[2:]
    equal(formats, ["0", "8", "101"], "formats of our offer")
    record, = w.wait_records(1)
    expect_record(record, status="completed", user_name=lambda n: n.startswith("Zoë"))


def story_one_call_a_number(rig):
    w = rig.watrunk(numbers=[rig.number(max_calls=1)])
    peer = rig.add(SipPeer(rig, answers))
    first, second = rig.metasim(calls=2, interval_ms=600, talk_ms=1500).report()
    equal((first["ended_by"], second["ended_by"]), ("user", "business"), "ended by")
    check(second["reject_us"], "the second call was not rejected")
    records = w.wait_records(2)
    expect_record(records[0], status="completed", cause="normal")
    expect_record(records[1], status="failed", cause="congestion", ended_by="watrunk", answered_ms=None)
    equal(w.counters()["calls_refused_limit"], 1, "counted: refused for a limit")
    equal(len(peer.calls), 1, "INVITEs")
    rig.metasim(talk_ms=200).report()
    expect_record(w.wait_records(3)[2], status="completed")


def story_media_limit(rig):
    """media.max_calls, and with it ports, memory: further calls are refused, those that live are not disturbed."""
    w = rig.watrunk(media={"max_calls": 3})
    rig.add(SipPeer(rig, answers))
    calls = rig.metasim(calls=6, interval_ms=100, talk_ms=1500).report()
    equal([c["ended_by"] for c in calls], ["user"] * 3 + ["business"] * 3, "ended by")
    records = w.wait_records(6)
    equal(sorted(r["cause"] for r in records), ["congestion"] * 3 + ["normal"] * 3, "causes")


if __name__ == "__main__":
    main()
