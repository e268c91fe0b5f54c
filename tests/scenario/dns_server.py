"""A small DNS server: A, SRV and NAPTR over UDP on 127.0.0.1; what it says may change while it runs."""
import contextlib
import socket
import struct
import threading

TYPES = {"A": 1, "SRV": 33, "NAPTR": 35}


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".") if label) + b"\0"


def text_bytes(text):
    return bytes([len(text)]) + text.encode()


def data_bytes(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "SRV":
        priority, weight, port, target = value
        return struct.pack("!HHH", priority, weight, port) + name_bytes(target)
    order, preference, service, replacement = value
    return struct.pack("!HH", order, preference) + text_bytes("s") + text_bytes(service) + text_bytes("") + name_bytes(replacement)


class DnsServer:
    def __init__(self, rig, records, ttl=60):
        """records: {(name, type): [value, ...]}; A: "127.0.0.1", SRV: (priority, weight, port, target), NAPTR: (order,
        preference, service, replacement)."""
        self.records, self.ttl, self.asked, self.silent = dict(records), ttl, [], False
        self.port = rig.ports.one()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))
        self.address = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        rig.add(self)

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, source = self.socket.recvfrom(4096)
                if query == b"end":
                    return
                if not self.silent:
                    self.socket.sendto(self.answer(query), source)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind_number, = struct.unpack("!H", query[at + 1:at + 3])
        name, question = ".".join(labels).lower(), query[12:at + 5]
        kind = next((k for k, n in TYPES.items() if n == kind_number), "?")
        self.asked.append((name, kind))
        found = self.records.get((name, kind), [])
        known = any(n == name for n, _ in self.records)
        answers = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind_number, 1, self.ttl, len(data)) + data
                           for data in (data_bytes(kind, value) for value in found))
        return query[:2] + struct.pack("!HHHHH", 0x8580 | (0 if known else 3), 1, len(found), 0, 0) + question + answers

    def close(self):
        self.socket.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()
