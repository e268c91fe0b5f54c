"""Gateways that are not there, say nothing, or break the connection; and answers that cannot be used."""
import contextlib
import socket
import threading

from harness import T1X64_MS, check, equal, expect_record, main
from sip_peer import SipPeer


class SilentUdp:
    """Takes every packet and never answers."""

    def __init__(self, rig, port=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port or rig.gateway_port))

    def close(self):
        self.socket.close()


class BadTcp:
    """Accepts connections; what then happens is the story's: "reset" after the INVITE, "close", or "silent"."""

    def __init__(self, rig, behaviour, port=None):
        self.behaviour, self.open = behaviour, []
        self.server = socket.create_server(("127.0.0.1", port or rig.gateway_port), backlog=512)
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.stopping:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            if self.behaviour == "silent":
                self.open.append(connection)
                continue
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                connection.recv(65535)
            if self.behaviour == "reset":
                SipPeer.reset(connection)
            else:
                connection.close()

    def close(self):
        self.stopping = True
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(1)
        for connection in self.open:
            connection.close()


def down(rig, w, cause="gateway_down", **wanted):
    """The call fails for the gateway's sake, Meta is told, and the next call is none the worse."""
    meta, = rig.metasim().report()
    equal((meta["ended_by"], meta["accept_us"]), ("business", None), "ended by, accept")
    record = w.wait_records(1)[0]
    expect_record(record, status="failed", cause=cause, ended_by="sip", answered_ms=None, **wanted)
    check(record["ended_ms"] - record["started_ms"] < T1X64_MS + 1500, "the gateway was given up too late")


def story_udp_silent(rig):
    w = rig.watrunk()
    rig.add(SilentUdp(rig))
    down(rig, w, sip_code=408, q850=38, rang_ms=None)


def story_udp_nobody_there(rig):
    w = rig.watrunk()
    down(rig, w)


def story_user_gives_up_on_a_silent_gateway(rig):
    w = rig.watrunk()
    rig.add(SilentUdp(rig))
    rig.metasim(give_up_ms=400).report()
    record, = w.wait_records(1)
    expect_record(record, status="cancelled", cause="cancelled", ended_by="user", rang_ms=None)


def story_tcp_refused(rig):
    w = rig.watrunk(gateways=[rig.gateway(transport="tcp")])
    down(rig, w)


def story_tcp_reset_after_invite(rig):
    w = rig.watrunk(gateways=[rig.gateway(transport="tcp")])
    rig.add(BadTcp(rig, "reset"))
    down(rig, w)


def story_tcp_closed_after_invite(rig):
    w = rig.watrunk(gateways=[rig.gateway(transport="tcp")])
    rig.add(BadTcp(rig, "close"))
    down(rig, w)


def story_tcp_silent(rig):
    w = rig.watrunk(gateways=[rig.gateway(transport="tcp")])
    rig.add(BadTcp(rig, "silent"))
    down(rig, w)


def story_tcp_works(rig):
    w = rig.watrunk(gateways=[rig.gateway(transport="tcp")])

    def script(call):
        call.reply(180)
        call.answer()
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script, transport="tcp"))
    rig.metasim(talk_ms=500, calls=3).report()
    for record in w.wait_records(3):
        expect_record(record, status="completed", cause="normal", ended_by="user")
    peer.wait_done()


def story_tcp_dies_in_the_call(rig):
    """The connection ends mid-call: the call goes on, and its BYE opens another one."""
    w = rig.watrunk(gateways=[rig.gateway(transport="tcp")])

    def script(call):
        call.answer()
        peer.reset(peer.connections[0])
        call.expect("BYE", reply=0)
    peer = rig.add(SipPeer(rig, script, transport="tcp"))
    rig.metasim(talk_ms=800).report()
    record, = w.wait_records(1)
    expect_record(record, status="completed", cause="normal", ended_by="user", answered_ms=bool)
    peer.wait_done()


def story_answer_without_sdp(rig):
    w = rig.watrunk()

    def script(call):
        call.reply(200)
        call.expect("ACK")
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script))
    meta, = rig.metasim().report()
    equal(meta["ended_by"], "business", "ended by")
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="gateway_failed", answered_ms=None)
    peer.wait_done()


def story_answer_with_a_codec_we_did_not_offer(rig):
    w = rig.watrunk()

    def script(call):
        call.reply(200, sdp=call.sdp().replace(" 0 101", " 18").replace("a=rtpmap:0 PCMU/8000", "a=rtpmap:18 G729/8000"))
        call.expect("ACK")
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="no_codec", answered_ms=None)
    peer.wait_done()


def story_gateway_silent_in_the_call(rig):
    """No packet of speech, not even comfort noise, for sip_silence_timeout: the call ends."""
    w = rig.watrunk(media={"sip_silence_timeout": 2})

    def script(call):
        call.answer(speak=False)
        call.expect("BYE")
    peer = rig.add(SipPeer(rig, script))
    rig.metasim().report()
    record, = w.wait_records(1)
    expect_record(record, status="failed", cause="media_timeout", ended_by="watrunk", answered_ms=bool)
    peer.wait_done()


if __name__ == "__main__":
    main()
