"""Two processes give the gradients of one on the same global batch."""

import os
import socket

import pytest
import torch
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from visavis.nets.losses import build_batch_loss

PEOPLE = torch.arange(12) // 3


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 4))


def photos() -> torch.Tensor:
    return torch.randn(12, 10, generator=torch.Generator().manual_seed(2))


def gradients(net: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in net.parameters()]


def process(rank: int, port: int, queue: multiprocessing.Queue) -> None:
    """One of two: half of the photos, the loss over all, through the gather of training."""
    import pytorch_lightning as lightning

    from visavis.training.twin import gather

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    distributed.init_process_group("gloo", rank=rank, world_size=2)

    class Module(lightning.LightningModule):
        """Gathers as the trainer's DDP strategy does."""

        def all_gather(self, data, group=None, sync_grads=False):
            from torch.distributed.nn.functional import all_gather

            if sync_grads:
                return torch.stack(all_gather(data))
            parts = [torch.empty_like(data) for _ in range(2)]
            distributed.all_gather(parts, data)
            return torch.stack(parts)

    net = DistributedDataParallel(network())
    loss = build_batch_loss("triplet", people=4, size=4, mining="all")
    embeddings = gather(Module(), net(photos()[rank::2]))
    labels = gather(Module(), PEOPLE[rank::2])
    loss(embeddings, labels).backward()
    if rank == 0:
        queue.put([gradient.tolist() for gradient in gradients(net)])
    distributed.barrier()
    distributed.destroy_process_group()


@pytest.mark.slow
def test_the_gradients_of_one() -> None:
    net = network()
    loss = build_batch_loss("triplet", people=4, size=4, mining="all")
    loss(net(photos()), PEOPLE).backward()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=process, args=(rank, port, queue)) for rank in range(2)]
    for worker in workers:
        worker.start()
    found = queue.get(timeout=120)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    for expected, other in zip(gradients(net), found, strict=True):
        torch.testing.assert_close(torch.tensor(other), expected, rtol=1e-4, atol=1e-6)
