"""What each gateway wants to read and hear: names of headers, who calls, digits, ring time. By its own keys and by presets."""
import re

from harness import EVENT_WAIT_S, NUMBER, NUMBER_ID, USER, check, equal, expect_record, main, until
from sip_peer import SipPeer


def talk(call):
    call.reply(180)
    call.answer()
    call.expect("BYE")


MANNERS = [
    # name, keys of the gateway, keys of the rule
    ("plain", {}, {}),
    ("named", {"headers": {"call_id": "X-CALL-ID", "user": "X-CALLER-ID", "number_id": "", "user_id": ""}},
     {"headers": [{"name": "X-WA-Name", "value": "guest"}, {"name": "X-Other", "value": "1"}]}),
    ("ruled", {"headers": {"call_id": "X-Ref"}}, {"headers": [{"name": "x-ref", "value": "mine"}]}),
    ("number", {"caller": {"from": "number", "name": "{from} (WhatsApp)", "domain": "customer.example"}, "number_format": "digits"}, {}),
    ("hidden", {"caller": {"from": "anonymous", "pai": True}}, {}),
    ("nobody", {"caller": {"from": "anonymous"}}, {}),
    ("said", {"caller": {"from": "wa-{from}", "name": "gateway"}}, {"caller_id": "7000", "display_name": "rule"}),
    ("text", {"caller": {"from": "wa-{from}"}}, {}),
    ("project", {"uri": "sip:proj_7@127.0.0.1:%d;transport=udp"}, {}),
]


def invites(rig):
    """Of a call to each: one watrunk, a gateway and a rule for each, chosen by the payload."""
    peer = rig.add(SipPeer(rig, talk))
    gateways = [{**rig.gateway(name=name), **keys} for name, keys, _ in MANNERS]
    for g in gateways:
        g["uri"] = g["uri"] % rig.gateway_port if "%d" in g["uri"] else g["uri"]
    w = rig.watrunk(gateways=gateways, dialplan=[
        {"name": name, "match": {"payload": name}, "actions": [{"bridge": {"gateways": [name], **rule}}]} for name, _, rule in MANNERS])
    for name, _, _ in MANNERS:
        rig.metasim(talk_ms=50, payload=name).report()
    for record in w.wait_records(len(MANNERS)):
        expect_record(record, status="completed", cause="normal")
    peer.wait_done()
    return {c.invite.get("X-WA-Payload"): c.invite for c in peer.calls}


def check_headers(of):
    plain, named, ruled = of["plain"], of["named"], of["ruled"]
    equal((plain.get("X-WA-User"), plain.get("X-WA-Number-Id")), (USER, NUMBER_ID), "X-WA-*")
    equal(named.get("X-CALLER-ID"), USER, "X-CALLER-ID")
    check(named.get("X-CALL-ID").startswith("wacid."), f"X-CALL-ID {named.get('X-CALL-ID')}")
    equal((named.get("X-WA-Name"), named.get("X-Other")), ("guest", "1"), "headers of the rule")
    names = {n for n, _ in named.headers}
    check(not names & {"X-WA-Call-Id", "X-WA-User", "X-WA-Number-Id", "X-WA-User-Id"}, f"headers {sorted(names)}")
    equal(ruled.all("X-Ref"), ["mine"], "a header that the rule sets")


def check_callers(of):
    def caller(name):
        return re.sub(r";tag=.*", "", of[name].get("From")), of[name].get("P-Asserted-Identity"), of[name].get("Privacy")
    equal(caller("plain"), (f'"Ana Example" <sip:{USER}@trunk.example>', f"<sip:{USER}@trunk.example>", None), "caller")
    digits = USER.lstrip("+")
    equal(caller("number"), (f'"{USER} (WhatsApp)" <sip:{NUMBER.lstrip("+")}@customer.example>', f"<sip:{digits}@customer.example>", None),
          "our number")
    hidden, asserted, privacy = caller("hidden")
    check("anonymous@anonymous.invalid" in hidden and digits not in hidden, f"From {hidden}")
    equal((asserted, privacy), (f"<sip:{USER}@trunk.example>", "id"), "who trusts us is told")
    nobody, asserted, privacy = caller("nobody")
    check("anonymous@anonymous.invalid" in nobody and "Ana" not in nobody, f"From {nobody}")
    equal((asserted, privacy), (None, None), "nobody is told")
    check(caller("said")[0].startswith('"rule" <sip:7000@'), "the rule stands before the gateway")
    check(f"<sip:wa-{USER}@" in caller("text")[0], "a text of the gateway's")


def story_headers_and_callers(rig):
    of = invites(rig)
    check_headers(of)
    check_callers(of)
    check(of["project"].start.startswith("INVITE sip:proj_7@127.0.0.1"), "the user part of the URI stands")
    check(of["plain"].start.startswith(f"INVITE sip:{NUMBER.lstrip('+')}@127.0.0.1"), "else our number")


def take_infos(call, digits, answers):
    for digit in digits:
        info = call.expect("INFO", EVENT_WAIT_S, reply=answers)
        equal(info.get("Content-Type"), "application/dtmf-relay", "type of the INFO")
        check(re.match(rf"Signal={digit}\r\nDuration=\d+\r\n$", info.body), f"body {info.body!r}")


def story_digits_both_ways(rig):
    """The peer does not want INFO after all."""
    w = rig.watrunk(gateways=[rig.gateway(dtmf="both")])

    def script(call):
        call.reply(180)
        call.answer()
        take_infos(call, "1#", 415)
        until(lambda: len(call.media.digits) == 2, "events, too")
        call.bye()
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(dtmf="1#").report()
    peer.wait_done()
    expect_record(w.wait_records(1)[0], status="completed", cause="normal", ended_by="sip")
    equal("".join(d.key for d in peer.calls[0].media.digits), "1#", "events")


def story_digits_as_info_and_a_bye_that_does_not_wait(rig):
    """The last INFO is never answered."""
    w = rig.watrunk(gateways=[rig.gateway(dtmf="info")])

    def script(call):
        call.reply(180)
        call.answer()
        take_infos(call, "12#", 200)
        call.expect("INFO", EVENT_WAIT_S, reply=None)
        code, _, err = w.cli("hangup", w.live()[0]["id"])
        equal(code, 0, err)
        until(lambda: any(m.method == "BYE" for m in call.log), "BYE")
        repeats = len([m for m in call.log if m.method == "INFO"]) - 3
        check(repeats <= 3, f"INFO was repeated {repeats} times before the BYE")
        bye = next(m for m in call.log if m.method == "BYE")
        call.reply(200, to=bye)
    peer = rig.add(SipPeer(rig, script))
    rig.metasim(dtmf="12#5").report()
    peer.wait_done()
    equal(peer.calls[0].media.digits, [], "events beside")
    expect_record(w.wait_records(1)[0], status="completed", cause="admin")


def story_ring_timeout_of_the_gateway(rig):
    """One second; the next gateway has its own."""
    def ring(call):
        call.reply(180)
        call.expect("CANCEL")
        call.reply(487)
        call.expect("ACK", reply=0)
    first = rig.add(SipPeer(rig, ring))
    second = rig.add(SipPeer(rig, talk, port=rig.ports.one()))
    gateways = [rig.gateway(ring_timeout=1), {"name": "other", "uri": f"sip:127.0.0.1:{second.port};transport=udp", "ring_timeout": 10}]
    w = rig.watrunk(gateways=gateways, dialplan=[{"name": "all", "actions": [{"bridge": {"gateways": ["pbx", "other"], "failover": ["no_answer"]}}]}])
    rig.metasim(talk_ms=200).report()
    expect_record(w.wait_records(1)[0], status="completed", gateway="other")
    first.wait_done()
    second.wait_done()


def story_gateways_listed(rig):
    """One that is down, one that nobody watches and that has a call."""
    peer = rig.add(SipPeer(rig, talk))
    w = rig.watrunk(gateways=[rig.gateway(max_calls=5), {"name": "gone", "uri": f"sip:127.0.0.1:{rig.ports.one()};transport=udp", "ping": 1}],
                    sip={"t1x64_ms": 1000})
    sim = rig.metasim(talk_ms=3000)
    sim.wait_event("audio_heard")
    pbx, gone = w.admin("GET", "/v1/gateways")[1]["gateways"]
    equal((pbx["state"], pbx["calls"], pbx["max_calls"], pbx["registered"]), ("unwatched", 1, 5, None), "the gateway with a call")
    w.wait_event("gateway_down", EVENT_WAIT_S, gateway="gone")
    gone = w.admin("GET", "/v1/gateways")[1]["gateways"][1]
    equal((gone["state"], gone["options_code"] in (408, 503), gone["calls"]), ("down", True, 0), "the gateway that is not there")
    check(gone["down_since_ms"] and gone["options_ms"] >= gone["down_since_ms"], f"times {gone}")
    code, out, err = w.cli("gateways")
    check(code == 0 and re.search(r"^gone +down ", out, flags=re.M), f"{out}{err}")
    sim.report()
    peer.wait_done()


def story_reload_takes_another_preset(rig):
    peer = rig.add(SipPeer(rig, talk))
    preset = rig.dir / "mine.yaml"
    preset.write_text(f"uri: sip:{{host}}:{rig.gateway_port};transport=udp\nheaders: {{call_id: X-One}}\n")
    w = rig.watrunk(gateways=[{"name": "pbx", "preset": "./mine.yaml", "host": "127.0.0.1"}])
    rig.metasim(talk_ms=200).report()
    preset.write_text(f"uri: sip:{{host}}:{rig.gateway_port};transport=udp\nheaders: {{call_id: X-Two}}\n")
    equal(w.admin("POST", "/v1/reload")[0], 200, "reload")
    rig.metasim(talk_ms=200).report()
    w.wait_records(2)
    peer.wait_done()
    one, two = (c.invite for c in peer.calls)
    check(one.get("X-One") and two.get("X-Two") and not two.get("X-One"), "the second call's headers")
    preset.write_text("uri: sip:{host}\nping: often\n")
    status, body = w.admin("POST", "/v1/reload")
    check(status == 422 or status == 400, f"reload of a bad preset: {status}")
    check("mine.yaml" in str(body), f"the fault names its file: {body}")
    until(lambda: not w.live(), "idle")


if __name__ == "__main__":
    main()
