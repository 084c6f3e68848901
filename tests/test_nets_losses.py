"""Losses against loops written out by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from visavis.nets.collapse import collapse, spread
from visavis.nets.heads import HEADS, build_head
from visavis.nets.losses import (
    BATCH_LOSSES,
    PAIR_LOSSES,
    BatchLoss,
    Contrastive,
    CosFace,
    SupCon,
    WeightedSum,
    all_pairs,
    build_batch_loss,
    build_pair_loss,
)

SEEDS = st.integers(0, 10**6)
LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=8)


def batch(seed: int, labels: list[int], size: int = 5) -> tuple[Tensor, Tensor]:
    embeddings = torch.randn(len(labels), size, generator=torch.Generator().manual_seed(seed))
    return embeddings, torch.tensor(labels)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


# Pairs


@given(logits=st.lists(st.floats(-8, 8), min_size=1, max_size=9), data=st.data())
def test_binary_cross_entropy_by_hand(logits, data) -> None:
    same = data.draw(st.lists(st.booleans(), min_size=len(logits), max_size=len(logits)))
    costs = [
        -math.log(1 / (1 + math.exp(-x if s else x))) for x, s in zip(logits, same, strict=True)
    ]
    loss = build_pair_loss("bce", build_head("mlp", 2))
    assert float(loss(torch.tensor(logits), torch.tensor(same))) == pytest.approx(
        mean(costs), abs=1e-5
    )


@pytest.mark.parametrize("name", HEADS)
@given(seed=SEEDS, labels=LABELS)
def test_contrastive_in_a_batch_by_hand(name, seed, labels) -> None:
    embeddings, people = batch(seed, labels)
    torch.manual_seed(0)
    head = build_head(name, 5).requires_grad_(False)
    loss = build_batch_loss("contrastive", people=4, size=5, head=head, margin=1.5, balanced=True)
    costs: dict[bool, list[float]] = {True: [], False: []}
    for i, j in itertools.combinations(range(len(labels)), 2):
        similarity = float(head(embeddings[i : i + 1], embeddings[j : j + 1]))
        d = {
            "distance": -similarity,
            "cosine": 1 - similarity,
            "logit": 1 - 1 / (1 + math.exp(-similarity)),
        }[head.output]
        same = labels[i] == labels[j]
        costs[same].append(d**2 if same else max(0.0, 1.5 - d) ** 2)
    expected = mean([mean(side) for side in costs.values() if side])
    assert float(loss(embeddings, people)) == pytest.approx(expected, abs=1e-4, rel=1e-4)


def test_balance_weighs_both_kinds_alike() -> None:
    similarity, same = torch.tensor([-1.0, -3.0, -3.0, -3.0]), torch.tensor([True] + [False] * 3)
    # d² = 1 for the genuine pair, nothing for impostors beyond the margin of 2.
    assert float(Contrastive("distance", margin=2)(similarity, same)) == pytest.approx(1 / 4)
    assert float(Contrastive("distance", True, margin=2)(similarity, same)) == pytest.approx(1 / 2)
    assert float(Contrastive("distance", True)(similarity[:1], same[:1])) == 1


def test_a_pair_loss_refuses_a_head_it_cannot_use() -> None:
    with pytest.raises(ValueError, match="BinaryCrossEntropy needs a head that gives a logit"):
        build_pair_loss("bce", build_head("cosine", 2))
    with pytest.raises(ValueError, match="by a head, and there is none"):
        build_batch_loss("bce", people=2, size=2)
    with pytest.raises(ValueError, match="no loss 'centre'; there are: arcface, bce"):
        build_batch_loss("centre", people=2, size=2)
    with pytest.raises(ValueError, match="no option 'persons'; its options are: margin, scale"):
        build_batch_loss("arcface", people=2, size=2, persons=3)
    with pytest.raises(ValueError, match="all, semi-hard or hard"):
        build_batch_loss("triplet", people=2, size=2, mining="soft")


@given(labels=LABELS)
def test_all_pairs_is_every_pair_once(labels) -> None:
    first, second, same = all_pairs(torch.tensor(labels))
    found = list(zip(first.tolist(), second.tolist(), same.tolist(), strict=True))
    expected = [
        (i, j, labels[i] == labels[j]) for i, j in itertools.combinations(range(len(labels)), 2)
    ]
    assert found == expected


# Batches of people


def triplets(e: Tensor, labels: list[int], margin: float, mining: str) -> list[float]:
    def d(i: int, j: int) -> float:
        return float((e[i] - e[j]).double().norm())

    costs = []
    everyone = range(len(labels))
    for a in everyone:
        positives = [d(a, p) for p in everyone if p != a and labels[p] == labels[a]]
        negatives = [d(a, n) for n in everyone if labels[n] != labels[a]]
        if mining == "hard" and positives and negatives:
            positives, negatives = [max(positives)], [min(negatives)]
        for ap, an in itertools.product(positives, negatives):
            if mining != "semi-hard" or ap < an <= ap + margin:
                costs.append(max(0.0, ap - an + margin))
    return [cost for cost in costs if cost > 0]


@pytest.mark.parametrize("mining", ["all", "semi-hard", "hard"])
@given(seed=SEEDS, labels=LABELS)
def test_triplet_by_hand(mining, seed, labels) -> None:
    embeddings, people = batch(seed, labels)
    loss = build_batch_loss("triplet", people=4, size=5, margin=0.7, mining=mining)
    expected = mean(triplets(embeddings, labels, 0.7, mining))
    assert float(loss(embeddings, people)) == pytest.approx(expected, abs=1e-4)


def supcon(e: Tensor, labels: list[int], t: float) -> float:
    costs = []
    everyone = range(len(labels))
    for a in everyone:
        rest = [i for i in everyone if i != a]
        mine = [i for i in rest if labels[i] == labels[a]]
        total = sum(math.exp(cosine(e[a], e[i]) / t) for i in rest)
        if mine:
            costs.append(mean([math.log(total) - cosine(e[a], e[i]) / t for i in mine]))
    return mean([cost for cost in costs if cost > 0]) if len(set(labels)) > 1 else 0.0


def infonce(e: Tensor, labels: list[int], t: float) -> float:
    costs = []
    everyone = range(len(labels))
    for a, p in itertools.permutations(everyone, 2):
        if labels[a] == labels[p] and len(set(labels)) > 1:
            mine = math.exp(cosine(e[a], e[p]) / t)
            others = sum(
                math.exp(cosine(e[a], e[n]) / t) for n in everyone if labels[n] != labels[a]
            )
            costs.append(-math.log(mine / (mine + others)))
    return mean(costs)


def multi_similarity(e: Tensor, labels: list[int]) -> float:
    costs = []
    everyone = range(len(labels))
    mined_mine = mined_others = 0
    for a in everyone:
        mine = [cosine(e[a], e[i]) for i in everyone if i != a and labels[i] == labels[a]]
        others = [cosine(e[a], e[i]) for i in everyone if labels[i] != labels[a]]
        hard = [s for s in mine if others and s - 0.1 < max(others)]
        near = [s for s in others if mine and s + 0.1 > min(mine)]
        mined_mine, mined_others = mined_mine + len(hard), mined_others + len(near)
        costs.append(
            math.log(1 + sum(math.exp(-2 * (s - 0.5)) for s in hard)) / 2
            + math.log(1 + sum(math.exp(50 * (s - 0.5)) for s in near)) / 50
        )
    # The library takes a batch with a single mined pair of each kind for an empty one.
    return mean(costs) if max(mined_mine, mined_others) > 1 else 0.0


ORACLES: dict[str, Callable[[Tensor, list[int]], float]] = {
    "supcon": lambda e, labels: supcon(e, labels, 0.1),
    "infonce": lambda e, labels: infonce(e, labels, 0.07),
    "multi-similarity": multi_similarity,
}


@pytest.mark.parametrize("name", ORACLES)
@given(seed=SEEDS, labels=LABELS.filter(lambda labels: len(set(labels)) < len(labels)))
def test_contrastive_family_by_hand(name, seed, labels) -> None:
    embeddings, people = batch(seed, labels)
    loss = build_batch_loss(name, people=4, size=5)
    expected = ORACLES[name](embeddings, labels)
    assert float(loss(embeddings, people)) == pytest.approx(expected, abs=1e-3, rel=1e-3)


@pytest.mark.parametrize(("name", "margin"), [("arcface", 0.5), ("cosface", 0.35)])
@given(seed=SEEDS, labels=LABELS)
def test_angular_margins_by_hand(name, margin, seed, labels) -> None:
    embeddings, people = batch(seed, labels)
    torch.manual_seed(seed)
    loss = build_batch_loss(name, people=4, size=5, scale=16.0)
    (directions,) = loss.parameters()
    costs = []
    for embedding, label in zip(embeddings, labels, strict=True):
        cosines = [cosine(embedding, directions.detach()[:, person]) for person in range(4)]
        angle = math.acos(cosines[label])
        if name == "cosface":
            cosines[label] -= margin
        elif angle <= math.pi - margin:
            cosines[label] = math.cos(angle + margin)
        else:
            cosines[label] -= margin * math.sin(margin)
        total = sum(math.exp(16 * c) for c in cosines)
        costs.append(math.log(total) - 16 * cosines[label])
    assert loss(embeddings, people).detach().item() == pytest.approx(
        mean(costs), abs=2e-3, rel=1e-3
    )


def every_loss(size: int = 4) -> list[BatchLoss]:
    torch.manual_seed(0)
    heads = {"bce": "mlp", "contrastive": "euclidean"}
    return [
        build_batch_loss(
            name, people=3, size=size, head=build_head(heads.get(name, "cosine"), size)
        )
        for name in [*PAIR_LOSSES, *BATCH_LOSSES]
    ]


def test_gradients_are_finite_where_photos_or_all_embeddings_are_one() -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    doubled = torch.randn(3, 4).repeat_interleave(2, 0)
    for loss in every_loss():
        for values in (torch.ones(6, 4), torch.zeros(6, 4), doubled):
            embeddings = values.clone().requires_grad_()
            loss(embeddings, labels).backward()
            assert embeddings.grad is not None
            assert embeddings.grad.isfinite().all(), loss
            assert all(p.grad is None or p.grad.isfinite().all() for p in loss.parameters()), loss


def test_arcface_survives_an_embedding_on_its_persons_direction() -> None:
    loss = build_batch_loss("arcface", people=3, size=4)
    (directions,) = loss.parameters()
    embeddings = directions.detach().T.clone().requires_grad_()
    loss(embeddings, torch.arange(3)).backward()
    assert embeddings.grad is not None and embeddings.grad.isfinite().all()
    assert directions.grad is not None and directions.grad.isfinite().all()


def test_a_batch_with_nothing_to_compare_costs_nothing_and_can_be_stepped() -> None:
    for name in ("triplet", "supcon", "infonce", "multi-similarity"):
        for labels in ([0, 1, 2], [1, 1, 1]):
            embeddings = torch.randn(3, 4, requires_grad=True)
            loss = build_batch_loss(name, people=3, size=4)(embeddings, torch.tensor(labels))
            loss.backward()
            if name != "infonce" or labels[0] == 0:
                assert embeddings.grad is not None and embeddings.grad.isfinite().all()
    lonely = build_batch_loss("contrastive", people=3, size=4, head=build_head("cosine", 4))
    alone = torch.randn(1, 4, requires_grad=True)
    lonely(alone, torch.tensor([0])).backward()
    assert alone.grad is not None and not alone.grad.any()


def test_losses_are_float32_under_bf16() -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    for loss in every_loss():
        embeddings = torch.randn(6, 4).to(torch.bfloat16).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            value = loss(embeddings, labels)
        assert value.dtype == torch.float32, loss
        value.backward()
        assert embeddings.grad is not None and embeddings.grad.isfinite().all()


def test_a_sum_weighs_its_parts_and_learns_their_parameters() -> None:
    embeddings, labels = batch(3, [0, 0, 1, 1])
    parts = SupCon(), CosFace(2, 5)
    both = WeightedSum([(1.0, parts[0]), (0.25, parts[1])])
    expected = parts[0](embeddings, labels) + 0.25 * parts[1](embeddings, labels)
    torch.testing.assert_close(both(embeddings, labels), expected)
    assert len(list(both.parameters())) == 1
    with pytest.raises(ValueError, match="at least one"):
        WeightedSum([])


@pytest.mark.parametrize("name", [*PAIR_LOSSES, *BATCH_LOSSES])
def test_every_loss_brings_people_together(name) -> None:
    """Descending it must raise the genuine similarity over the impostor one."""
    torch.manual_seed(0)
    labels = torch.arange(4).repeat_interleave(4)
    embeddings = torch.randn(16, 8, requires_grad=True)
    head = build_head("mlp" if name == "bce" else "cosine", 8)
    loss = build_batch_loss(name, people=4, size=8, head=head)
    optimiser = torch.optim.Adam([embeddings, *loss.parameters()], lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        loss(embeddings, labels).backward()
        optimiser.step()
    first, second, same = all_pairs(labels)
    with torch.no_grad():
        judge = head if name == "bce" else build_head("euclidean", 8)
        unit = (
            embeddings
            if name in ("bce", "triplet")
            else embeddings / embeddings.norm(dim=1, keepdim=True)
        )
        similarity = judge(unit[first], unit[second])
    assert similarity[same].mean() > similarity[~same].mean() + 0.15
    # A genuine pair beats an impostor pair nearly always.
    assert (similarity[same][:, None] > similarity[~same][None]).float().mean() > 0.95


# Collapse


def test_spread_is_zero_for_one_point_and_one_for_opposites() -> None:
    assert spread(torch.ones(5, 3)) == pytest.approx(0, abs=1e-9)
    assert spread(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(1)
    assert spread(torch.zeros(4, 2)) == 0


def test_collapse_is_told_with_its_reason() -> None:
    labels = torch.arange(3).repeat_interleave(2)
    triplet = build_batch_loss("triplet", people=3, size=8, margin=0.2, mining="all")
    torch.manual_seed(0)
    alike = torch.ones(6, 8) + 1e-5 * torch.randn(6, 8)
    loss = float(triplet(alike, labels))
    assert loss == pytest.approx(0.2, rel=0.01)
    reason = collapse(alike, loss, 0.2)
    assert reason is not None and "at its margin (0.2)" in reason and "lower the learning" in reason
    # Semi-hard mining finds no triplet at all there: the spread alone must tell.
    assert collapse(torch.ones(6, 8), 0.0, 0.2) is not None
    assert collapse(alike) is not None


def test_a_healthy_network_has_not_collapsed() -> None:
    torch.manual_seed(0)
    apart = torch.randn(6, 8)
    assert collapse(apart) is None
    assert collapse(apart, 0.2, 0.2) is None
    # Sigmoid layers start alike but not collapsed, unless the loss says so too.
    narrow = 0.5 + 0.005 * torch.randn(64, 512)
    assert collapse(narrow) is None and collapse(narrow, 0.1, 0.2) is None
    assert collapse(narrow, 0.2, 0.2) is not None
