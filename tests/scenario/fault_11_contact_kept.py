"""Fault 11: a 3CX finds its trunk by the Contact that it registered: each byte of it must come back as the Request-URI."""
from harness import check, equal, expect_record, main
from registrar import nobody, picks_up, registrations, running
from sip_phone import Phone, bound


def contact_of(phone, text):
    return text.replace("PORT", str(phone.port))


def called_as(rig, w, phone, uri):
    rig.metasim(talk_ms=300).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user")
    phone.wait_done()
    call = phone.calls[0]
    equal(call.invite.start, f"INVITE {uri} SIP/2.0", "request line")
    equal([m.start.split()[1] for m in call.log if m.method == "CANCEL"], [], "CANCEL")


def registered_and_called(rig, text, header="<{}>"):
    w = running(rig)
    phone = rig.add(Phone(rig, picks_up))
    uri = contact_of(phone, text)
    answer = phone.register([header.format(uri)])
    equal(answer.status, 200, "answer to REGISTER")
    equal([r["contact"] for r in registrations(w)], [uri], "registered")
    equal(list(bound(answer)), [uri], "Contact of the answer")
    called_as(rig, w, phone, uri)
    return w


def story_rinstance(rig):
    registered_and_called(rig, "sip:10000@127.0.0.1:PORT;rinstance=8a7F04c1d2e3", "<{}>;expires=120")


def story_order_and_case(rig):
    registered_and_called(rig, "sip:10000@127.0.0.1:PORT;x-Z=1;Transport=UDP;ob;rinstance=0;a=b", '"3CX Phone, \\"7\\"" <{}>;q=0.7')


def story_escapes(rig):
    registered_and_called(rig, "sip:10%20b%3Ac@127.0.0.1:PORT;rinstance=%3D%20%2C")


def story_refreshed_with_the_same_bytes(rig):
    w = running(rig)
    phone = rig.add(Phone(rig, picks_up))
    old, new = (contact_of(phone, f"sip:10000@127.0.0.1:PORT;rinstance={x}") for x in ("aaaa", "bbbb"))
    phone.register([f"<{old}>"])
    phone.register([f"<{old}>"])
    equal([r["contact"] for r in registrations(w)], [old], "refreshed")
    # Started anew it has another one, and takes the old one away first.
    equal(list(bound(phone.register([f"<{old}>;expires=0, <{new}>;expires=120"]))), [new], "replaced")
    called_as(rig, w, phone, new)


def story_kept_by_a_restart(rig):
    w = running(rig)
    phone = rig.add(Phone(rig, picks_up))
    uri = contact_of(phone, "sip:10000@127.0.0.1:PORT;rinstance=%3D%20;ob")
    phone.register([f"<{uri}>"])
    w.stop()
    w = running(rig)
    called_as(rig, w, phone, uri)


def story_what_cannot_be_called_is_refused(rig):
    w = running(rig)
    phone = rig.add(Phone(rig, nobody))
    for contact in ("<sip:1@127.0.0.1?X=y>", "<mailto:a@b>", "<sips:1@127.0.0.1>", "<sip:1@127.0.0.1;transport=carrier-pigeon>"):
        equal(phone.register([contact]).status, 400, contact)
    check(not registrations(w), "something was bound")


if __name__ == "__main__":
    main()
