"""One interface for all methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.models.teachers import Teacher, create_teacher
from gnl_core.records import Batch, Detection

ADAM_BETAS = (0.5, 0.999)  # supplement, section 2.1


class Detector(nn.Module):
    """One method: how it learns from normal images and how it scores any image.

    What it needs in order to score, a centre or reference features, is a buffer: a checkpoint of its
    state scores without the data set.

    Attributes:
        views: What the loader must put in `Batch.views` for training.
        style_weight: Strength of feature distribution matching where a question leaves it open.
        matches: Whether there is matching that a question can ask for; the strength means nothing otherwise.
        reduces_map: Whether the score is the anomaly map, reduced as the question says.
        learning_rate: Learning rate where a run leaves it open.
        adversarial_losses: Names of loss terms that two networks pull in opposite ways; they need not fall.
        memories: Names of buffers whose first dimension is known only once `prepare` has seen the
            training images, such as a bank of features; they begin empty.
    """

    views: tuple[str, ...] = ("original",)
    style_weight: float = 0.0
    matches: bool = False
    reduces_map: bool = False
    learning_rate: float = 0.005  # supplement, section 2.1
    adversarial_losses: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Look at the training images once, in the data set's order, before training. Default: nothing."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named and weighted scalars; training minimises their sum."""
        raise TypeError(f"{type(self).__name__} has no training losses")

    @property
    def device(self) -> torch.device:
        """Where its weights are, and so where it computes."""
        return next(self.parameters()).device

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        """What `training_step` steps. Default: Adam over everything that learns; none where nothing does."""
        learnable = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [Adam(learnable, lr=learning_rate, betas=ADAM_BETAS, fused=True)] if learnable else []

    def training_step(self, batch: Batch, optimizers: Sequence[Optimizer], *, progress: float) -> dict[str, float]:
        """Learn from one batch. Default: descend the sum of the losses.

        What is random in it is drawn from PyTorch's global generator on the CPU: the loop seeds it for
        each epoch, so that a training can be taken up at any epoch and on any device with the same draws.

        Args:
            batch: Training images with every view in `views`.
            optimizers: What `optimizers` gave.
            progress: Share of the training that is done, in [0, 1).

        Returns:
            The value of each named loss term.
        """
        terms = self.losses(batch)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
        return {name: term.item() for name, term in terms.items()}

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        """Score images.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            scoring: How to look at them. It is an argument and not a state of the detector, so that
                several questions can share one detector at the same time.
        """
        raise NotImplementedError

    def detect_each(self, images: Tensor, scorings: Sequence[ScoringConfig]) -> list[Detection]:
        """What `forward` gives for each of several questions. Default: ask one after the other.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            scorings: How to look at them.
        """
        return [self(images, scoring) for scoring in scorings]


def load_teacher(config: RunConfig) -> Teacher:
    """The teacher that a run's settings name, with its weights.

    Raises:
        ValueError: If it cannot be built, cannot read images of the run's size, or has no weights; says what to do.
    """
    return create_teacher(
        config.teacher, weights=config.teacher_weights, sha256=config.teacher_sha256, image_size=config.image_size
    )
