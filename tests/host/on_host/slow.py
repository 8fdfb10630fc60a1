#!/usr/bin/python3
"""Opens connections and says half a request on each; one that is cut off comes again. Ends when its input ends.

slow.py ADDRESS COUNT
"""

import resource
import selectors
import socket
import sys

HALF = b"GET /api/health HTTP/1.1\r\nHost: citrino.example.com\r\nX-Slow: "


def opened(address):
    connection = socket.create_connection((address, 80), timeout=5)
    connection.sendall(HALF)
    connection.setblocking(False)
    return connection


def main(address, count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    waits = selectors.DefaultSelector()
    waits.register(sys.stdin, selectors.EVENT_READ)
    for _ in range(int(count)):
        waits.register(opened(address), selectors.EVENT_READ)
    print("all are open", flush=True)
    while True:
        for key, _ in waits.select():
            if key.fileobj is sys.stdin:
                return
            waits.unregister(key.fileobj)
            key.fileobj.close()
            try:
                waits.register(opened(address), selectors.EVENT_READ)
            except OSError:
                pass


main(*sys.argv[1:])
