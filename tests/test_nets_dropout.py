"""Our own dropout, beside torch's."""

import pytest
import torch
from torch import nn

from visavis.nets.backbones.dropout import Dropout


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_that_share_is_dropped_and_the_rest_keeps_the_mean(share: float) -> None:
    torch.manual_seed(0)
    values = Dropout(share)(torch.ones(1000, 1000))
    dropped = (values == 0).float().mean().item()
    assert dropped == pytest.approx(share, abs=0.003)  # six standard errors
    assert values.max().item() == pytest.approx(1 / (1 - share))
    assert set(values.unique().tolist()) == {0.0, values.max().item()}


def test_values_that_share_a_draw_are_dropped_apart() -> None:
    torch.manual_seed(0)
    dropped = (Dropout(0.5)(torch.ones(250_000, 4)) == 0).float()
    both = torch.corrcoef(dropped.T)
    assert torch.allclose(both, torch.eye(4), atol=0.012)  # six standard errors


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((3, 5, 7, 9), torch.channels_last),
        ((2, 1, 1, 1), torch.channels_last),
        *((shape, torch.contiguous_format) for shape in ((3, 5, 7, 9), (5, 3), (1,), (0, 4))),
    ],
)
def test_any_shape_keeps_its_layout_and_what_is_dropped_has_no_gradient(
    shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    given = (torch.rand(shape) + 1).to(memory_format=layout).requires_grad_()
    values = Dropout(0.4)(given)
    assert values.shape == given.shape
    assert values.stride() == given.stride()
    values.sum().backward()
    assert torch.equal(given.grad, torch.where(values == 0, 0, torch.tensor(1 / 0.6)))


def test_a_seed_drops_the_same() -> None:
    twice = []
    for _ in range(2):
        torch.manual_seed(7)
        twice.append(Dropout(0.5)(torch.ones(9, 9)))
    assert torch.equal(*twice)
    assert not torch.equal(twice[0], Dropout(0.5)(torch.ones(9, 9)))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all_are_as_torch_has_them(share: float) -> None:
    given = torch.rand(4, 4)
    assert torch.equal(Dropout(share)(given), nn.Dropout(share)(given))


def test_in_use_nothing_is_dropped() -> None:
    given = torch.rand(4, 4)
    assert torch.equal(Dropout(0.5).eval()(given), given)
