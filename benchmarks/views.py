"""Several views of one person, as a video gives them: decide by one, by their mean, or by the best?

People of LFW's devTest, View 1; thresholds come from the model's card, which was fitted on
devTrain's people. A gallery of 100 people with up to two photos each is drawn again and again, and
probes of five photos, of people who are enrolled and of strangers.

    python benchmarks/views.py --lfw data/lfw
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from visavis.data.source import open_source
from visavis.evaluation.embed import embed_rows
from visavis.matching.gallery.decide import SearchRule
from visavis.models.model import Model

Rows = NDArray[np.float32]
PEOPLE, PHOTOS, VIEWS, DRAWS = 100, 2, 5, 200


def unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


WAYS: dict[str, Callable[[Rows], Rows]] = {
    "one of them": lambda views: views[:1],
    "their mean": lambda views: unit(views.mean(axis=0, keepdims=True)),
    "any of them": lambda views: views,
}
"""What is searched for; somebody is named where one of these searches names them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", required=True, help="the unpacked LFW folder, with its lists")
    parser.add_argument("--model", default="sface")
    arguments = parser.parse_args()

    model = Model.load(arguments.model)
    faces = open_source(f"lfw:{arguments.lfw}", view=1).faces
    rows = np.flatnonzero(faces.split == "devTest")
    embeddings = embed_rows(model, [(faces, rows)]).embeddings
    people = faces.people[rows][np.isfinite(embeddings).all(axis=1)]
    embeddings = embeddings[np.isfinite(embeddings).all(axis=1)]

    rng = np.random.default_rng(0)
    table = np.array([one_draw(model, embeddings, people, rng) for _ in range(DRAWS)])
    print(f"{DRAWS} galleries of {PEOPLE} people; probes of {VIEWS} photos; 1 % FPIR asked.\n")
    print("| decided by | strangers named | spread over draws | enrolled people named |")
    print("| --- | --- | --- | --- |")
    for way, (stranger, known) in zip(WAYS, table.transpose(1, 2, 0), strict=True):
        print(f"| {way} | {stranger.mean():.4f} | {stranger.std():.4f} | {known.mean():.4f} |")


def one_draw(
    model: Model, embeddings: Rows, people: NDArray[np.int64], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Of each way: the share of strangers named, and of enrolled people named rightly."""
    of = {person: rng.permutation(np.flatnonzero(people == person)) for person in set(people)}
    often = rng.permutation([person for person in of if len(of[person]) >= PHOTOS + VIEWS])
    strangers, known = np.array_split(often, 2)
    others = rng.permutation([person for person in of if person not in set(often)])
    enrolled = [*known, *others[: PEOPLE - len(known)]]
    rows = [row for person in enrolled for row in of[person][:PHOTOS]]
    gallery, owners = embeddings[rows], people[rows]
    cut_off, margin = SearchRule().cut_off(model, len(rows)).value, SearchRule().margin_for(model)

    def named(searched: Rows) -> set[int]:
        found = set()
        for row in model.similarity_matrix(searched, gallery):
            first = owners[row.argmax()]
            ahead = row.max() - row[owners != first].max()
            if row.max() >= cut_off and ahead >= margin:
                found.add(int(first))
        return found

    def views(person: int) -> Rows:
        return embeddings[of[person][PHOTOS : PHOTOS + VIEWS]]

    return [
        (
            float(np.mean([bool(named(way(views(person)))) for person in strangers])),
            float(np.mean([person in named(way(views(person))) for person in known])),
        )
        for way in WAYS.values()
    ]


if __name__ == "__main__":
    main()
