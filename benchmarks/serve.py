"""visavis's server beside verifyface's, over HTTP, on the same LFW photos in one run.

Each server runs in a process of its own on loopback and knows the same people. Clients that keep
their connection ask again as soon as they are answered: verify compares two photos, identify
searches for one. The servers take turns, for each number of clients, so that whatever else the
machine does hits both. Requests a second count answers with 200 only.

    python benchmarks/serve.py --lfw data/lfw [--clients 1 8 50] [--seconds 10] [--json out.json]
    python benchmarks/serve.py --lfw data/lfw --load 60     # ours alone: 50 clients, and memory
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

PEOPLE = 20
WHAT = ("verify", "identify")


@dataclass(frozen=True)
class Request:
    """One request, made ready before the clock runs."""

    path: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Tally:
    """What became of requests: seconds of each that was answered with 200, and all statuses.

    Attributes:
        wall, cpu: seconds in all; of the server's process, on all of its threads.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    wall: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Answers with 200 a second."""
        return len(self.seconds) / self.wall

    @property
    def cpu_each(self) -> float:
        """The server's milliseconds of CPU for each answer with 200."""
        return 1e3 * self.cpu / max(1, len(self.seconds))

    def quantile(self, share: float) -> float:
        """Milliseconds within which such a share was answered."""
        return 1e3 * float(np.quantile(self.seconds, share)) if self.seconds else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 50])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--load", type=float, help="seconds of 50 clients on ours alone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    enrolled, probes = choose(options.lfw)
    with tempfile.TemporaryDirectory() as folder:
        if options.load:
            load(Path(folder), enrolled, probes, options.load)
        else:
            compare(Path(folder), enrolled, probes, options)


def choose(lfw: Path) -> tuple[dict[str, bytes], list[bytes]]:
    """A photo of each of some people, and another of each."""
    second = sorted({*lfw.glob("*/*_0002.jpg"), *lfw.glob("*/*/*_0002.jpg")})
    chosen = second[:: max(1, len(second) // PEOPLE)][:PEOPLE]
    if len(chosen) < PEOPLE:
        raise SystemExit(f"{lfw} has too few people with two photos")
    first = [path.with_name(path.name.replace("_0002", "_0001")) for path in chosen]
    enrolled = {path.parent.name: path.read_bytes() for path in first}
    return enrolled, [path.read_bytes() for path in chosen]


# The servers


@contextmanager
def visavis(folder: Path, enrolled: dict[str, bytes]) -> Iterator[tuple[int, dict[str, str], int]]:
    """Its port, the headers of its token, and its process's id."""
    command = [
        sys.executable, "-m", "visavis", "serve", "--port", "0", "--json",
        "--gallery", str(folder / "people.db"), "--tokens", str(folder / "tokens.json"),
    ]  # fmt: skip
    with running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        port = int(told["url"].rpartition(":")[2])
        headers = {"Authorization": f"Bearer {told['token']}"}
        for name, photo in enrolled.items():
            body, kind = form({"photos": photo}, {"name": name, "force": "true"})
            ask(port, Request("/v1/people", body, headers | kind))
        yield port, headers, process.pid


@contextmanager
def verifyface(folder: Path, enrolled: dict[str, bytes]) -> Iterator[tuple[int, int]]:
    """Its port, and its process's id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "verifyface", "serve", "--port", str(port)]
    command += ["--vault", str(folder / "vault")]
    with running(command, stdout=subprocess.DEVNULL) as process:
        for _ in range(100):
            try:
                ask(port, Request("/api/health", b"", {}), "GET")
                break
            except OSError:
                time.sleep(0.2)
        for name, photo in enrolled.items():
            body = json.dumps({"name": name, "images": [uri(photo)]}).encode()
            ask(port, Request("/api/enroll", body, {"Content-Type": "application/json"}))
        yield port, process.pid


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# The requests


def ours(
    what: str, probes: list[bytes], known: list[bytes], token: dict[str, str]
) -> list[Request]:
    requests = []
    for probe, other in zip(probes, known, strict=True):
        photos = {"photo_a": probe, "photo_b": other} if what == "verify" else {"photo": probe}
        body, kind = form(photos, {})
        requests.append(Request(f"/v1/{what}", body, token | kind))
    return requests


def theirs(what: str, probes: list[bytes], known: list[bytes]) -> list[Request]:
    kind = {"Content-Type": "application/json"}
    requests = []
    for probe, other in zip(probes, known, strict=True):
        if what == "verify":
            path, fields = "/api/compare", {"a": uri(probe), "b": uri(other)}
        else:
            path, fields = "/api/identify", {"image": uri(probe)}
        requests.append(Request(path, json.dumps(fields).encode(), kind))
    return requests


def uri(photo: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo).decode()


def form(photos: dict[str, bytes], fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    body = b""
    for name, value in fields.items():
        body += f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for name, photo in photos.items():
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
        body += head.encode() + photo + b"\r\n"
    return body + b"--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


def ask(port: int, request: Request, method: str = "POST") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, request.path, request.body, request.headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status >= 400:
        raise SystemExit(f"{request.path}: {answer.status} {content[:300].decode()}")
    return content


# The clients


def press(port: int, pid: int, requests: list[Request], clients: int, seconds: float) -> Tally:
    """So many clients for so long; each asks again when it is answered."""
    spent = cpu_seconds(pid)
    tallies = [Tally() for _ in range(clients)]
    begun = time.perf_counter()
    threads = [
        threading.Thread(target=client, args=(port, requests, i, begun + seconds, tallies[i]))
        for i in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Tally(wall=time.perf_counter() - begun, cpu=cpu_seconds(pid) - spent)
    for tally in tallies:
        whole.seconds += tally.seconds
        for status, count in tally.statuses.items():
            whole.statuses[status] = whole.statuses.get(status, 0) + count
    return whole


def client(port: int, requests: list[Request], number: int, until: float, tally: Tally) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    while time.perf_counter() < until:
        request = requests[number % len(requests)]
        number += 1
        begun = time.perf_counter()
        try:
            connection.request("POST", request.path, request.body, request.headers)
            answer = connection.getresponse()
            answer.read()
            status, retry = answer.status, answer.headers.get("Retry-After")
        except OSError:
            status, retry = 0, "1"
            connection.close()
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        if status == 200:
            tally.seconds.append(time.perf_counter() - begun)
        elif retry:
            time.sleep(min(float(retry), max(0.0, until - time.perf_counter())))
    connection.close()


# What is told


def compare(
    folder: Path, enrolled: dict[str, bytes], probes: list[bytes], options: argparse.Namespace
) -> None:
    known = list(enrolled.values())
    rows = []
    with visavis(folder, enrolled) as (port, token, pid), verifyface(folder, enrolled) as other:
        sides: dict[str, Callable[[str], tuple[int, int, list[Request]]]] = {
            "visavis": lambda what: (port, pid, ours(what, probes, known, token)),
            "verifyface": lambda what: (*other, theirs(what, probes, known)),
        }
        for side in sides.values():  # both are warm
            for what in WHAT:
                press(*side(what), 2, 2)
        for what in WHAT:
            for clients in options.clients:
                tallies = {
                    name: press(*side(what), clients, options.seconds)
                    for name, side in sides.items()
                }
                rows.append(row(what, clients, tallies))
    known_as = f"verifyface {version('verifyface')}"
    print(f"| | clients | visavis | {known_as} | requests/s | CPU |\n" + "| --- " * 6 + "|")
    for each in rows:
        print(each["line"])
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def row(what: str, clients: int, tallies: dict[str, Tally]) -> dict[str, Any]:
    cells = [
        f"{tally.rate:.1f}/s, p50 {tally.quantile(0.5):.0f} ms, p95 {tally.quantile(0.95):.0f} ms, "
        f"CPU {tally.cpu_each:.1f} ms"
        for tally in tallies.values()
    ]
    we, they = tallies["visavis"], tallies["verifyface"]
    ratio, less = we.rate / they.rate, they.cpu_each / we.cpu_each
    return {
        "line": f"| {what} | {clients} | {cells[0]} | {cells[1]} | {ratio:.2f}x | {less:.2f}x |",
        "what": what,
        "clients": clients,
        "ratio": ratio,
        "cpu_ratio": less,
        **{
            name: {
                "rate": tally.rate,
                "p50_ms": tally.quantile(0.5),
                "p95_ms": tally.quantile(0.95),
                "cpu_ms": tally.cpu_each,
                "statuses": tally.statuses,
            }
            for name, tally in tallies.items()
        },
    }


def load(folder: Path, enrolled: dict[str, bytes], probes: list[bytes], seconds: float) -> None:
    """50 clients for a while: what is answered, how soon, and whether memory grows."""
    known = list(enrolled.values())
    with visavis(folder, enrolled) as (port, token, pid):
        requests = ours("verify", probes, known, token) + ours("identify", probes, known, token)
        early: list[int] = []
        timer = threading.Timer(seconds / 6, lambda: early.append(resident(pid)))
        timer.start()
        tally = press(port, pid, requests, 50, seconds)
        timer.join()
        late = resident(pid)
    asked = sum(tally.statuses.values())
    print(f"{asked} requests in {tally.wall:.0f} s by 50 clients: {tally.statuses}")
    print(f"{len(tally.seconds) / asked:.1%} answered with 200, {tally.rate:.1f} a second")
    print(f"p50 {tally.quantile(0.5):.0f} ms, p95 {tally.quantile(0.95):.0f} ms")
    print(f"memory after {seconds / 6:.0f} s {early[0] / 2**20:.0f} MiB, ", end="")
    print(f"after {seconds:.0f} s {late / 2**20:.0f} MiB: {late / early[0]:.3f}x")
    wrong = set(tally.statuses) - {200, 429, 503}
    assert not wrong, f"unexpected statuses {wrong}"
    assert len(tally.seconds) >= asked / 2
    assert late <= 1.1 * early[0]


def cpu_seconds(pid: int) -> float:
    """Of a process, on all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


if __name__ == "__main__":
    main()
