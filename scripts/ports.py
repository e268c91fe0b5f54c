"""Ports on 127.0.0.1 for the demo and the tests: a block for every run, so that runs at the same time never meet.

Outside the kernel's ephemeral range: a port found by binding port 0 may be some connection's own a moment later. A block is
held by a lock on a file, which the kernel lets go of when the process ends, however it ends.
"""
import contextlib
import fcntl
import os
import socket
import tempfile


def listens(port):
    """Somebody holds it, whatever the address. Asked of the kernel's tables: who waits for a program by trying to bind its port takes it
    from the program every now and then."""
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with contextlib.suppress(FileNotFoundError), open("/proc/net/" + table) as f:
            for line in f.readlines()[1:]:
                words = line.split()
                if int(words[1].rsplit(":", 1)[1], 16) == port and (table.startswith("udp") or words[3] == "0A"):
                    return True
    return False


class Ports:
    # Of 1000 each. tests/scenario/sip/ports.c has the same; tools/loadgen has 12000 to 31999.
    FIRSTS = (61000, 62000, 63000, 64000, 6000, 7000, 8000, 9000, 10000, 11000)

    def __init__(self):
        for base in self.FIRSTS:
            self.lock = open(os.path.join(tempfile.gettempdir(), f"watrunk-ports-{os.getuid()}-{base}.lock"), "w")
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.lock.close()
                continue
            self.single, self.end = base, base + 100
            self.webrtc, self.rtp = f"{base + 100}-{base + 399}", f"{base + 400}-{base + 939}"
            self.peer_rtp = f"{base + 940}-{base + 999}"
            return
        raise RuntimeError("no free block of ports: too many runs at once")

    def one(self):
        """Two apart: the next one is free too."""
        while self.single < self.end:
            port, self.single = self.single, self.single + 2
            if self.is_free(port) and self.is_free(port + 1):
                return port
        raise RuntimeError(f"no free port below {self.end}: something else has them all")

    @staticmethod
    def is_free(port):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                if kind == socket.SOCK_STREAM:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    return False
        return True
