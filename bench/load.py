"""The load process: many connections that call one method as fast as the gateway answers, one call each at a time.

Prints one line of JSON: round trips, wall seconds, CPU seconds of the gateway and of this process.
"""

from __future__ import annotations

import argparse
import json
import selectors
import time

import psutil
from bench.wire import Link, frame_of, is_answer


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process and its descendants."""
    process = psutil.Process(pid)
    times = [found.cpu_times() for found in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def drive(links: list[Link], frame: bytes, seconds: float) -> int:
    """Keep one call under way on each connection; return how many were answered."""
    with selectors.DefaultSelector() as selector:
        for link in links:
            selector.register(link.sock, selectors.EVENT_READ, link)
            link.send(frame)
        until = time.monotonic() + seconds
        count, waiting = 0, len(links)
        while waiting:
            going = time.monotonic() < until
            for key, _ in selector.select(5.0):
                link = key.data
                answered = sum(map(is_answer, link.read()))
                count += answered
                if answered and going:
                    link.send(frame)
                elif answered:
                    waiting -= 1
        return count


def main() -> None:
    """Log in, warm up, drive, report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("pid", type=int)
    parser.add_argument("method")
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    links = [Link(given.port, given.token) for _ in range(given.connections)]
    frame = frame_of({"type": "req", "id": "1", "method": given.method, "params": {}})
    drive(links, frame, min(0.3, given.seconds))
    server, own, began = cpu_of(given.pid), time.process_time(), time.perf_counter()
    count = drive(links, frame, given.seconds)
    wall = time.perf_counter() - began
    report = {
        "count": count,
        "wall": wall,
        "server": cpu_of(given.pid) - server,
        "client": time.process_time() - own,
    }
    for link in links:
        link.close()
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
