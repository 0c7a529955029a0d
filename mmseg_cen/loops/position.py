"""Where in its data a training is, saved with every checkpoint."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.logging import MessageHub

#: Key under which the message hub, and so a checkpoint, keeps a position.
_KEY = 'data_position'


@dataclass(frozen=True)
class DataPosition:
    """How many batches were trained on, and what a batch is.

    Args:
        batches: Batches since the data began: within the epoch for a loop by epochs,
            since the first iteration for one by iterations.
        batch_size: Samples of a batch, of one process.
        processes: Number of processes.
        num_samples: Samples of the data set.
        length: Batches of one pass over the data.
        seed: Seed of the order of the samples; None: not known.
    """

    batches: int
    batch_size: int
    processes: int
    num_samples: int
    length: int
    seed: int | None = None

    @classmethod
    def at(cls, batches: int, dataloader: Any) -> 'DataPosition':
        """A position in a dataloader."""
        size = dataloader.batch_size
        if size is None:  # batches are made by a sampler of batches
            size = getattr(dataloader.batch_sampler, 'batch_size', 1)
        samples = len(dataloader.dataset)
        seed = getattr(_sampler_of(dataloader), 'seed', None)
        return cls(batches, int(size), get_world_size(), samples, len(dataloader), seed)

    def moved_to(self, now: 'DataPosition', endless: bool) -> int:
        """Batches to skip in other data, so that samples are trained on equally often.

        A sampler hands out one order of the samples, of which all processes together
        take the next batch: the first samples of it are those that were trained on. A
        batch that would begin among them is not skipped. In another data set, the order
        is another one, and the pass begins again.

        Args:
            now: The first position in the other data.
            endless: Whether passes follow each other without a border, as those of an
                InfiniteSampler do.
        """
        if replace(self, batches=0) == replace(now, batches=0):
            return self.batches
        if endless:
            passes, batches = 0, self.batches
        else:
            passes, batches = divmod(self.batches, max(1, self.length))
        if self.num_samples != now.num_samples:
            batches = 0
        trained = batches * self.batch_size * self.processes
        return passes * now.length + trained // (now.batch_size * now.processes)

    def changes(self, now: 'DataPosition') -> str:
        """What is different in other data, in words; empty if nothing is."""
        words = dict(
            batch_size='samples of a batch',
            processes='processes',
            num_samples='samples of the data set',
        )
        then, there = asdict(self), asdict(now)
        return ', '.join(
            f'{there[key]} {what} instead of {then[key]}'
            for key, what in words.items()
            if then[key] != there[key]
        )


def restore_order(dataloader: Any, then: DataPosition) -> bool:
    """Let the samples come in the order in which a training has begun.

    A config without a seed has another one in each run. mmengine takes that of the
    checkpoint for all but the sampler, which it has built before.

    Args:
        dataloader: Of the training; its sampler is changed in place.
        then: The position of the checkpoint.

    Returns:
        Whether the order was another one: iterators that are there have it still.
    """
    sampler = _sampler_of(dataloader)
    if then.seed is None or getattr(sampler, 'seed', None) in (None, then.seed):
        return False
    sampler.seed = then.seed
    if isinstance(sampler, InfiniteSampler):
        sampler.indices = sampler._indices_of_rank()
    return True


def _sampler_of(dataloader: Any) -> Any:
    """The sampler of samples, also where batches are made by a sampler of batches."""
    batch_sampler = getattr(dataloader, 'batch_sampler', None)
    return getattr(batch_sampler, 'sampler', getattr(dataloader, 'sampler', None))


def save_position(hub: MessageHub, position: DataPosition) -> None:
    """Let the checkpoints that are saved from now on have a position."""
    hub.update_info(_KEY, asdict(position))


def saved_position(hub: MessageHub) -> DataPosition | None:
    """The position of the checkpoint that was loaded; None if it has none."""
    known = hub.runtime_info.get(_KEY)
    return None if known is None else DataPosition(**known)
