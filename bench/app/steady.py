"""Asks at a rate that does not wait for the answers, as people do."""

import asyncio
import time


async def client(port, jobs, times):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        due, message = await jobs.get()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        # From when it should have been asked, so that waiting for a free connection counts.
        times.append((time.monotonic() - due) * 1000)
        jobs.task_done()


def request(path, body):
    if body is None:
        return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def run(port, path, bodies, rate, seconds, connections):
    jobs, times = asyncio.Queue(), []
    clients = [asyncio.create_task(client(port, jobs, times)) for _ in range(connections)]
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0, due - time.monotonic()))
        jobs.put_nowait((due, request(path, next(bodies) if bodies else None)))
        for one in clients:
            if one.done():
                one.result()
    await jobs.join()
    for one in clients:
        one.cancel()
    return sorted(times)


def measure(port, path, bodies, rate, seconds, connections=16):
    """Milliseconds of the 50th and the 99th percentile, and of the slowest, at so many requests a second. Without bodies it is a GET."""
    times = asyncio.run(run(port, path, bodies, rate, seconds, connections))
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    return at(0.5), at(0.99), times[-1]
