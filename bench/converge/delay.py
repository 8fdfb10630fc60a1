"""Makes the round trip to one machine longer.

netem on the machine's link does it where the kernel has netem. Where it has not, the packets to
the machine go through a tun device, whose reader holds each for as long and then puts it on the
same link: also every packet, in one direction, in order. Run as a program, this file is that reader.
"""

import collections
import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

from lab import Trouble, run

TUN = "cbenchdelay"
# Of the networks for benchmarks (RFC 2544). It is not in the lab's own, which the lab masquerades.
SOURCE = "198.18.79.1"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
ETH_P_IP = 0x0800


@contextlib.contextmanager
def delay(server, ms):
    """The delay as long as the block lasts; gives how it is made."""
    if has_netem(server.link):
        lengthen, how = netem, "netem"
    else:
        lengthen, how = held_by_tun, "this kernel has no netem, so a tun device and a process hold the packets"
    with lengthen(server, ms):
        measured = round_trip_ms(server.address)
        if not 0.95 * ms <= measured <= 1.5 * ms:
            raise Trouble(f"with {ms} ms of delay a connection takes {measured:.1f} ms")
        yield f"{how}; a TCP connection takes {measured:.1f} ms"


def has_netem(link):
    """Asks by trying: there is no other way that does not depend on how the kernel was built."""
    tried = subprocess.run(["tc", "qdisc", "add", "dev", link, "root", "netem", "delay", "1ms"], stderr=subprocess.DEVNULL)
    if tried.returncode == 0:
        run(["tc", "qdisc", "del", "dev", link, "root"])
    return tried.returncode == 0


@contextlib.contextmanager
def netem(server, ms):
    run(["tc", "qdisc", "add", "dev", server.link, "root", "netem", "delay", f"{ms}ms", "limit", "100000"])
    try:
        yield
    finally:
        run(["tc", "qdisc", "del", "dev", server.link, "root"])


@contextlib.contextmanager
def held_by_tun(server, ms):
    inside = json.loads(run(["ip", "-json", "-netns", server.namespace, "link", "show", "dev", "eth0"]))
    mac = inside[0]["address"]
    holder = subprocess.Popen([sys.executable, "-B", __file__, server.link, mac, str(ms)], stdout=subprocess.PIPE)
    try:
        if holder.stdout.readline() != b"ready\n":
            raise Trouble("the delay could not be made: this kernel has neither netem nor tun")
        run(["ip", "address", "add", f"{SOURCE}/32", "dev", TUN])
        run(["ip", "link", "set", TUN, "up"])
        run(["ip", "route", "add", f"{server.address}/32", "dev", TUN, "src", SOURCE])
        yield
    finally:
        # Device and route go with their holder.
        holder.terminate()
        holder.wait()


def round_trip_ms(address):
    def connect():
        begun = time.monotonic()
        socket.create_connection((address, 22), timeout=10).close()
        return (time.monotonic() - begun) * 1000

    # The least: what is more comes from a machine that is busy.
    return min(connect() for _ in range(5))


def hold(link, mac, ms):
    # netem is the kernel's and waits for nobody; so this should not wait for a processor either.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", TUN.encode(), IFF_TUN | IFF_NO_PI))
    os.set_blocking(tun, False)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    target = (link, ETH_P_IP, 0, 0, bytes.fromhex(mac.replace(":", "")))
    print("ready", flush=True)
    held = collections.deque()
    while True:
        pause = max(0, held[0][0] - time.monotonic()) if held else None
        if select.select([tun], [], [], pause)[0]:
            packet = os.read(tun, 65535)
            # The kernel also speaks IPv6 on a new device; the lab does not.
            if packet[0] >> 4 == 4:
                held.append((time.monotonic() + ms / 1000, packet))
        while held and held[0][0] <= time.monotonic():
            wire.sendto(held.popleft()[1], target)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hold(sys.argv[1], sys.argv[2], int(sys.argv[3]))
