"""The interface of all methods."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from gnl_core.adaptation.records import Adaptation, Positions
from gnl_core.anomaly_map import image_score
from gnl_core.config import MethodSettings, RunConfig, ScoringConfig
from gnl_core.detectors.references import References
from gnl_core.models.teachers import Teacher, create_teacher
from gnl_core.records import Batch, Detection

ADAM_BETAS = (0.5, 0.999)  # supplement, section 2.1


class Detector(nn.Module):
    """A method: how it learns from normal images and how it scores any image.

    Whatever it needs for scoring, such as a centre or reference features, is a buffer, so that a checkpoint of its
    state suffices to score without the data set.

    Attributes:
        settings_type: The record of the settings that belong to this method; the constructor gets them from
            `RunConfig.method_settings`.
        views: Views that the loader must put into `Batch.views` for training.
        style_weight: Strength of feature distribution matching if scoring settings leave it unset; 0 for a detector
            that does not match.
        matches: Whether the method supports feature distribution matching; if not, the strength has no effect. A
            detector whose teacher is not cut into stages never does.
        gives_maps: Whether the method gives anomaly maps; if not, it gives scores only.
        reduces_map: Whether the score is the anomaly map reduced to one value by the scoring settings.
        learning_rate: Learning rate for runs that leave it unset.
        adversarial_losses: Names of loss terms that two networks push in opposite directions; they need not fall.
        memories: Names of buffers whose first dimension depends on the training images that `prepare`
            reads, such as a bank of features; they are empty before.
        positions: What is usual at each position of a new domain's maps; None to leave maps as they are. Only a
            method whose score is its map, reduced, can standardise it.
    """

    settings_type: type[MethodSettings] = MethodSettings
    views: tuple[str, ...] = ("original",)
    style_weight: float = 0.0
    matches: bool = False
    gives_maps: bool = True
    reduces_map: bool = False
    learning_rate: float = 0.005  # supplement, section 2.1
    adversarial_losses: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()
    positions: Positions | None = None

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Read the training images once, in the data set's order, before training. Default: do nothing."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the named and weighted loss terms, scalars whose sum training minimises."""
        raise TypeError(f"{type(self).__name__} has no training losses")

    @property
    def device(self) -> torch.device:
        """The device of its weights, on which it computes."""
        return next(self.parameters()).device

    def optimizers(self, learning_rate: float) -> list[Optimizer]:
        """Create the optimizers for `training_step`. Default: Adam over all trainable parameters; none without any."""
        learnable = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [Adam(learnable, lr=learning_rate, betas=ADAM_BETAS, fused=True)] if learnable else []

    def training_step(self, batch: Batch, optimizers: Sequence[Optimizer], *, progress: float) -> dict[str, float]:
        """Learn from one batch. Default: descend the sum of the losses.

        Random numbers come from PyTorch's global generator on the CPU. The loop seeds it for each epoch,
        so that training can resume at any epoch and on any device with the same draws.

        Args:
            batch: Training images with every view in `views`.
            optimizers: The result of `optimizers`.
            progress: Completed share of the training, in [0, 1).

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
            scoring: Settings of the scoring. They are an argument and not a state of the detector, so that
                several scorings can share one detector at the same time.
        """
        raise NotImplementedError

    def count_only(self, detection: Detection, counted: Tensor | None, scoring: ScoringConfig) -> Detection:
        """Leave the pixels that do not count out of a detection: the map is 0 there, and is reduced without them.

        Args:
            detection: The result of `forward`.
            counted: True for the pixels that count, shape (B or 1, 1, H, W); None leaves the detection as it is.
            scoring: Settings of the scoring.

        Returns:
            The detection; the score of a method that does not reduce its map stays as it is.
        """
        score, anomaly_map, _ = detection
        if counted is None or anomaly_map is None:
            return detection
        counted = counted.to(anomaly_map.device)
        if self.reduces_map:
            score = image_score(
                anomaly_map, reduction=scoring.reduction, top_percent=scoring.top_percent, counted=counted
            )
        return Detection(score, anomaly_map.masked_fill(~counted, 0), counted)

    def embed(self, images: Tensor, scoring: ScoringConfig) -> Tensor:
        """Place each image in an embedding. Default: the teacher's last stage map, averaged over its positions.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            scoring: Settings of the scoring, of which matching has an effect.

        Returns:
            One point per image, shape (B, D).
        """
        teacher, references = cast(Teacher, self.teacher), cast(References, self.references)
        return pool(teacher(images, references.matching(scoring, own_weight=self.style_weight)))

    def adapted(self, adaptation: Adaptation) -> Self:
        """This detector, adapted to a new domain; it shares all weights, and the present one stays as it is.

        Raises:
            ValueError: If the method or its checkpoint cannot be adapted in this way.
        """
        if adaptation.domain_map is not None and not self.matches:
            raise ValueError(
                f"{type(self).__name__} has no teacher whose features could be matched; recalibrate its threshold alone"
            )
        if adaptation.positions is not None and not self.reduces_map:
            raise ValueError(
                f"the score of {type(self).__name__} is not its anomaly map, so standardising the map by position "
                "would not change it; match the domain instead"
            )
        twin = copy.copy(self)
        if self.matches:
            twin.__dict__["_modules"] = self._modules.copy()  # else both would have the same references
            twin.references = cast(References, self.references).adapted(adaptation.domain_map)
        twin.positions = adaptation.positions
        return twin

    def detect_each(self, images: Tensor, scorings: Sequence[ScoringConfig]) -> list[Detection]:
        """Score images as `forward` does, with each of several scorings. Default: one after the other.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            scorings: Settings of each scoring.
        """
        return [self(images, scoring) for scoring in scorings]


def pool(maps: tuple[Tensor, ...]) -> Tensor:
    """Average the last stage's map over its positions, shape (B, C)."""
    return maps[-1].mean(dim=(2, 3))


def load_teacher(config: RunConfig) -> Teacher:
    """Build the teacher that a run's settings name, with its weights.

    Raises:
        ValueError: If it cannot be built, cannot read images of the run's size, or has no weights; the message says
            what to do.
    """
    return create_teacher(
        config.teacher, weights=config.teacher_weights, sha256=config.teacher_sha256, image_size=config.input_size
    )
