"""Reference features of a few training images, and feature distribution matching to them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter

import torch
from torch import Tensor, nn

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.distribution_matching import match_distribution, nearest_reference, sort_features
from gnl_core.models.teachers import Mix, Teacher
from gnl_core.records import Batch
from gnl_core.shift_score import shift_score

STAGE_COUNT = 3
FEWEST_FOR_SPREAD = 2


class References(nn.Module):
    """Sorted teacher features of training images: what matching pulls test features toward.

    They are buffers, so that a checkpoint can match without its data set. All three stages are kept,
    so that the matched stages can be chosen when scoring.
    """

    def __init__(self, teacher: Teacher, config: RunConfig) -> None:
        super().__init__()
        self.seed = config.seed
        self.count = config.stored_references
        for index, shape in enumerate(sorted_shapes(teacher, config.image_size)):
            self.register_buffer(buffer_name(index), torch.zeros(self.count, *shape))

    def fill(self, teacher: Teacher, images: Iterable[Tensor]) -> None:
        """Draw the references by seed and keep their sorted features.

        Args:
            teacher: What encodes them.
            images: Training images, shape (3, H, W); each is looked at once.
        """
        self.keep(teacher, choose_references(images, count=self.count, seed=self.seed))

    @torch.no_grad()
    def keep(self, teacher: Teacher, chosen: Tensor) -> None:
        """Keep the sorted features of chosen images, shape (count, 3, H, W)."""
        for index, stage in enumerate(teacher(chosen)):
            self.get_buffer(buffer_name(index)).copy_(sort_features(stage))

    @torch.no_grad()
    def measure_shift(self, teacher: Teacher, batches: Iterable[Tensor]) -> float | None:
        """How far a domain lies from the training images; see `gnl_core.shift_score`. No label is needed.

        Args:
            teacher: What encoded the references.
            batches: The domain's images, shape (B, 3, H, W) each, of the training images' size.

        Returns:
            The mean of the three stages' shift scores; None where fewer than two references are kept.
        """
        if self.count < FEWEST_FOR_SPREAD:
            return None
        kept = [self.get_buffer(buffer_name(index)) for index in range(STAGE_COUNT)]
        sums, count = [torch.zeros_like(references[0]) for references in kept], 0
        for images in batches:
            count += len(images)
            sums = [total + sort_features(stage).sum(dim=0) for total, stage in zip(sums, teacher(images), strict=True)]
        scores = [shift_score(total / count, references) for total, references in zip(sums, kept, strict=True)]
        return float(torch.stack(scores).mean())

    def matching(self, scoring: ScoringConfig, *, own_weight: float) -> Mix | None:
        """What happens to each stage's map on its way through the teacher: FDM at the matched stages.

        Args:
            scoring: Strength, stages, number and choice of references.
            own_weight: The method's own strength, where the question leaves it open.

        Returns:
            The change of each stage's map, or None where matching is off.

        Raises:
            ValueError: If the checkpoint keeps fewer references than are asked for.
        """
        weight = own_weight if scoring.style_weight is None else scoring.style_weight
        if weight == 0:
            return None
        if not self.count:
            raise ValueError(
                "this checkpoint keeps no references, so features cannot be matched; ask with --style-weight 0, "
                "or make the run again with --stored-references 1 or more and its training images at hand"
            )
        if scoring.reference_count > self.count:
            raise ValueError(
                f"this checkpoint keeps {self.count} references, {scoring.reference_count} were asked for; "
                "ask for fewer, or train with a larger --stored-references"
            )
        matched = {int(stage) - 1 for stage in scoring.matched_stages.split(",")}
        kept = {index: self.get_buffer(buffer_name(index))[: scoring.reference_count] for index in matched}
        means = {index: references.mean(dim=0) for index, references in kept.items()}

        def mix(index: int, stage: Tensor) -> Tensor:
            if index not in matched:
                return stage
            nearest = scoring.reference_choice == "nearest"
            reference = nearest_reference(stage, kept[index]) if nearest else means[index]
            return match_distribution(stage, reference, style_weight=weight)

        return mix


def buffer_name(index: int) -> str:
    """Name of the buffer that holds a stage's sorted reference features."""
    return f"stage_{index + 1}"


@torch.no_grad()
def sorted_shapes(teacher: Teacher, image_size: tuple[int, int]) -> list[tuple[int, int]]:
    """Channels and number of positions of each stage's map for images of a size."""
    shapes = [stage.flatten(2).shape for stage in teacher(torch.zeros(1, 3, *image_size))]
    return [(channels, positions) for _, channels, positions in shapes]


def pass_originals(batches: Iterable[Batch], *, look: Callable[[Tensor], None]) -> Iterator[Tensor]:
    """Each original image of shape (3, H, W), after `look` has seen its batch: one pass serves both."""
    for batch in batches:
        look(batch.views["original"])
        yield from batch.views["original"]


def choose_references(images: Iterable[Tensor], *, count: int, seed: int) -> Tensor:
    """Draw images at random without replacement, holding no more than `count` of them at a time.

    Args:
        images: Images of shape (3, H, W).
        count: How many to draw.
        seed: Decides the draw.

    Returns:
        Shape (count, 3, H, W); where there are fewer images than asked for, they repeat.

    Raises:
        ValueError: If there is no image.
    """
    generator = torch.Generator().manual_seed(seed)
    ranked = ((torch.rand((), generator=generator).item(), image) for image in images)
    chosen = [image for _, image in heapq.nsmallest(max(1, count), ranked, key=itemgetter(0))]
    if not chosen:
        raise ValueError("there is no training image to take references from")
    return torch.stack(chosen)[torch.arange(count) % len(chosen)]
