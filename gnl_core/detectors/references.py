"""Reference features of a few training images, and feature distribution matching to them."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter

import torch
from torch import Tensor, nn

from gnl_core.config import RunConfig, ScoringConfig, stage_indices
from gnl_core.distribution_matching import nearest_reference, sort_features, take_distribution
from gnl_core.models.teachers import GroupSplitter, Mix, QueryGroup, Teacher
from gnl_core.records import Batch
from gnl_core.shift_score import has_spread, shift_score

STAGE_COUNT = 3
MatchTarget = tuple[int, str]  # number of stored references that a stage is matched to, and "mean" or "nearest"


class References(nn.Module):
    """Sorted teacher features of training images: what matching pulls test features toward.

    They are buffers, so that a checkpoint can match without its data set. All three stages are kept,
    so that the matched stages can be chosen when scoring. Where there are fewer different training images
    than references to keep, the rest of the rows repeats them. Only the different ones, which come first,
    enter a mean or a spread.
    """

    def __init__(self, teacher: Teacher, config: RunConfig) -> None:
        super().__init__()
        self.seed = config.seed
        self.count = config.stored_references
        for index, shape in enumerate(sorted_shapes(teacher, config.image_size)):
            self.register_buffer(buffer_name(index), torch.zeros(self.count, *shape))
        self.distinct = self.count
        self.register_load_state_dict_post_hook(count_distinct)  # type: ignore[no-untyped-call]

    def fill(self, teacher: Teacher, images: Iterable[Tensor]) -> None:
        """Draw the references by seed and keep their sorted features.

        Args:
            teacher: What encodes them.
            images: Training images, shape (3, H, W); each is looked at once.
        """
        self.keep(teacher, choose_references(images, count=self.count, seed=self.seed))

    @torch.no_grad()
    def keep(self, teacher: Teacher, chosen: Tensor) -> None:
        """Keep the sorted features of chosen images, shape (R, 3, H, W) with R at least 1; copies count once."""
        if not self.count:
            return
        different = chosen[first_of_each([chosen])]
        repeated = torch.arange(self.count) % len(different)
        for kept, stage in zip(self.stages, teacher(different), strict=True):
            kept.copy_(sort_features(stage)[repeated])
        count_distinct(self)

    @property
    def stages(self) -> list[Tensor]:
        """Each stage's sorted values, shapes (count, C, N)."""
        return [self.get_buffer(buffer_name(index)) for index in range(STAGE_COUNT)]

    @property
    def distinct_stages(self) -> list[Tensor]:
        """Each stage's sorted values of the different references alone, shapes (distinct, C, N)."""
        return [stage[: self.distinct] for stage in self.stages]

    @property
    def has_spread(self) -> bool:
        """Whether a shift can be measured: two or more different references are kept, and vary at every stage."""
        return all(has_spread(stage) for stage in self.distinct_stages)

    @torch.no_grad()
    def measure_shift(self, teacher: Teacher, batches: Iterable[Tensor]) -> float | None:
        """How far a domain lies from the training images; see `gnl_core.shift_score`. No label is needed.

        Args:
            teacher: What encoded the references.
            batches: The domain's images, shape (B, 3, H, W) each, of the training images' size.

        Returns:
            The mean of the three stages' shift scores; None where the references have no spread.
        """
        if not self.has_spread:
            return None
        sums, count = [torch.zeros_like(references[0]) for references in self.stages], 0
        for images in batches:
            count += len(images)
            sums = [total + sort_features(stage).sum(dim=0) for total, stage in zip(sums, teacher(images), strict=True)]
        scores = [shift_score(total / count, kept) for total, kept in zip(sums, self.distinct_stages, strict=True)]
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
        weight = self.check_strength(scoring, own_weight=own_weight)
        if weight == 0:
            return None

        def mix(index: int, stage: Tensor) -> Tensor:
            target = match_target(index, scoring)
            return stage if target is None else torch.lerp(stage, self.match_fully(index, stage, target), weight)

        return mix

    def group_splitter(self, scorings: Sequence[ScoringConfig], *, own_weight: float) -> GroupSplitter:
        """Build the function that matches a stage's map for several scorings and groups those with equal results.

        A stage's map is fully matched once for all strengths, since the strength only interpolates toward it (Eq. 1).

        Args:
            scorings: For each scoring, strength, stages, number and choice of references.
            own_weight: The method's own strength, for scorings that leave it open.

        Raises:
            ValueError: If a scoring needs more references than the checkpoint stores.
        """
        weights = [self.check_strength(scoring, own_weight=own_weight) for scoring in scorings]

        def split_groups(index: int, stage: Tensor, group: QueryGroup) -> Iterator[tuple[QueryGroup, Tensor]]:
            by_target: dict[MatchTarget | None, dict[float, list[int]]] = defaultdict(lambda: defaultdict(list))
            for query in group:
                target = match_target(index, scorings[query]) if weights[query] else None
                by_target[target][weights[query] if target else 0.0].append(query)
            for target, by_weight in by_target.items():
                matched = stage if target is None else self.match_fully(index, stage, target)
                for weight, queries in by_weight.items():
                    yield tuple(queries), stage if target is None else torch.lerp(stage, matched, weight)

        return split_groups

    def match_fully(self, index: int, stage: Tensor, target: MatchTarget) -> Tensor:
        """A stage's map with the reference's distribution."""
        count, choice = target
        kept = self.get_buffer(buffer_name(index))[: min(count, self.distinct)]
        reference = nearest_reference(stage, kept) if choice == "nearest" else kept.mean(dim=0)
        return take_distribution(stage, reference)

    def check_strength(self, scoring: ScoringConfig, *, own_weight: float) -> float:
        """The strength that a question asks for, or the method's own.

        Raises:
            ValueError: If there is matching to do and the checkpoint keeps fewer references than are asked for.
        """
        weight = own_weight if scoring.style_weight is None else scoring.style_weight
        if weight and not self.count:
            raise ValueError(
                "this checkpoint keeps no references, so features cannot be matched; ask with --style-weight 0, "
                "or make the run again with --stored-references 1 or more and its training images at hand"
            )
        if weight and scoring.reference_count > self.count:
            raise ValueError(
                f"this checkpoint keeps {self.count} references, {scoring.reference_count} were asked for; "
                "ask for fewer, or train with a larger --stored-references"
            )
        return weight


def count_distinct(references: References, _: object = None) -> None:
    """Note how many rows come before the first copy, when features were kept or loaded."""
    first = first_of_each(references.stages)
    references.distinct = sum(row == place for place, row in enumerate(first))


def first_of_each(parts: Sequence[Tensor]) -> list[int]:
    """The rows that are not copies of an earlier row, in their order.

    Args:
        parts: Tensors of R rows each; a copy is equal in all of them.
    """
    first: list[int] = []
    for row in range(len(parts[0])):
        if not any(all(torch.equal(part[row], part[seen]) for part in parts) for seen in first):
            first.append(row)
    return first


def match_target(index: int, scoring: ScoringConfig) -> MatchTarget | None:
    """Which references a question matches a stage to; None where it leaves the stage as it is."""
    matched = index in stage_indices(scoring.matched_stages)
    return (scoring.reference_count, scoring.reference_choice) if matched else None


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
        Shape (R, 3, H, W), where R is `count`, or the number of images where there are fewer.

    Raises:
        ValueError: If there is no image.
    """
    generator = torch.Generator().manual_seed(seed)
    ranked = ((torch.rand((), generator=generator).item(), image) for image in images)
    chosen = [image for _, image in heapq.nsmallest(max(1, count), ranked, key=itemgetter(0))]
    if not chosen:
        raise ValueError("there is no training image to take references from")
    return torch.stack(chosen)
