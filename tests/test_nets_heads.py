"""Pair heads: symmetric, larger is more alike, finite gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from visavis.nets.heads import HEADS, WeightedL1, build_head

FLOATS = st.floats(-10, 10, width=32)
PAIRS = arrays.arrays(np.float32, (2, 3, 5), elements=FLOATS)


@pytest.mark.parametrize("name", HEADS)
@given(pairs=PAIRS)
def test_symmetric_to_the_last_bit(name, pairs) -> None:
    torch.manual_seed(0)
    head = build_head(name, 5).eval()
    first, second = torch.from_numpy(pairs)
    with torch.no_grad():
        similarity = head(first, second)
        assert similarity.shape == (3,) and similarity.dtype == torch.float32
        assert torch.equal(similarity, head(second, first))


@given(pairs=PAIRS)
def test_cosine_and_euclidean_against_numpy(pairs) -> None:
    a, b = pairs.astype(np.float64)
    first, second = torch.from_numpy(pairs)
    distance = np.sqrt(((a - b) ** 2).sum(1))
    np.testing.assert_allclose(build_head("euclidean", 5)(first, second), -distance, atol=1e-4)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    clear = lengths > 1e-3
    cosine = (a * b).sum(1)[clear] / lengths[clear]
    np.testing.assert_allclose(
        build_head("cosine", 5)(first, second).numpy()[clear], cosine, atol=1e-4
    )


@pytest.mark.parametrize("name", HEADS)
def test_gradients_are_finite_where_both_embeddings_are_one(name) -> None:
    for value in (0.0, 1.0):
        first = torch.full((2, 4), value, requires_grad=True)
        second = torch.full((2, 4), value, requires_grad=True)
        head = build_head(name, 4)
        head(first, second).sum().backward()
        assert first.grad is not None and first.grad.isfinite().all()
        assert second.grad is not None and second.grad.isfinite().all()


def test_weighted_l1_is_kochs() -> None:
    torch.manual_seed(0)
    head = WeightedL1(4096)
    weight = head.weigh.weight.detach().flatten()
    assert float(weight.std()) == pytest.approx(0.2, rel=0.05)
    assert head.weigh.bias.item() == pytest.approx(0.5, abs=0.05)
    a, b = torch.rand(3, 4096), torch.rand(3, 4096)
    expected = [
        float((weight * (x - y).abs()).sum() + head.weigh.bias.detach())
        for x, y in zip(a, b, strict=True)
    ]
    assert head(a, b).tolist() == pytest.approx(expected, abs=1e-3)


def test_mlp_sees_differences_and_products_or_differences_alone() -> None:
    assert build_head("mlp", 6, hidden=(5, 3)).layers[0].in_features == 12
    alone = build_head("mlp", 6, product=False, dropout=0.4)
    assert alone.layers[0].in_features == 6 and alone.layers[2].p == 0.4
    a = torch.randn(2, 6)
    alone.eval()
    torch.testing.assert_close(alone(a, a + 1), alone(a + 5, a + 6))
    assert build_head("mlp", 6, hidden=()).layers[0].out_features == 1


def test_an_unknown_head_or_option_is_named() -> None:
    with pytest.raises(ValueError, match="no head 'l2'; there are: cosine"):
        build_head("l2", 4)
    with pytest.raises(ValueError, match="'mlp' has no option 'width'; its options are: hidden"):
        build_head("mlp", 4, width=3)
    with pytest.raises(ValueError, match="'cosine' has no option 'scale'; it has none"):
        build_head("cosine", 4, scale=2)
