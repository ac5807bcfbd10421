"""Reference features of a few training images, and feature distribution matching to them."""

from __future__ import annotations

import copy
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Self

import torch
from torch import Tensor, nn

from gnl_core.adaptation.domain_map import apply_channel_map
from gnl_core.adaptation.records import DomainMap
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.config.values import stage_indices
from gnl_core.distribution_matching import nearest_reference, sort_features, take_distribution
from gnl_core.models.teachers import GroupSplitter, Mix, QueryGroup, Teacher, check_is_cut
from gnl_core.records import Batch
from gnl_core.shift_score import has_spread, shift_score

STAGE_COUNT = 3
ALL_STAGES = ",".join(str(stage + 1) for stage in range(STAGE_COUNT))
MatchTarget = tuple[int, str]  # number of stored references that a stage is matched to, and "mean" or "nearest"


class References(nn.Module):
    """Sorted teacher features of training images, the targets of feature distribution matching.

    They are buffers, so that a checkpoint can match without its data set. All three stages are stored,
    so that the matched stages can be chosen when scoring. If there are fewer distinct training images
    than references to store, the remaining rows repeat them. Only the distinct references, which come first,
    enter a mean or a spread.

    Attributes:
        can_match: Whether the teacher is cut into stages, behind which its maps can be matched.
        domain_map: Carries each stage's map over to the training images' domain, before any matching; None to leave
            it as it is.
    """

    domain_map: DomainMap | None = None

    def __init__(self, teacher: Teacher, config: RunConfig) -> None:
        super().__init__()
        self.seed = config.seed
        self.count = config.stored_references
        self.can_match = teacher.is_cut
        check_can_store(teacher, config)
        for index, shape in enumerate(sorted_shapes(teacher, config.input_size)):
            self.register_buffer(buffer_name(index), torch.zeros(self.count, *shape))
        self.distinct = self.count
        self.register_load_state_dict_post_hook(count_distinct)  # type: ignore[no-untyped-call]

    def fill(self, teacher: Teacher, images: Iterable[Tensor]) -> None:
        """Draw the references by seed and store their sorted features.

        Args:
            teacher: The teacher that encodes them.
            images: Training images, shape (3, H, W); each is read once.
        """
        self.keep(teacher, choose_references(images, count=self.count, seed=self.seed))

    @torch.no_grad()
    def keep(self, teacher: Teacher, chosen: Tensor) -> None:
        """Store the sorted features of chosen images, shape (R, 3, H, W) with R at least 1; copies count once."""
        if not self.count:
            return
        different = chosen[first_of_each([chosen])]
        repeated = torch.arange(self.count) % len(different)
        for kept, stage in zip(self.stages, teacher(different), strict=True):
            kept.copy_(sort_features(stage)[repeated])
        count_distinct(self)

    @property
    def stages(self) -> list[Tensor]:
        """Sorted values of each stage, shapes (count, C, N)."""
        return [self.get_buffer(buffer_name(index)) for index in range(STAGE_COUNT)]

    @property
    def distinct_stages(self) -> list[Tensor]:
        """Sorted values of the distinct references at each stage, shapes (distinct, C, N)."""
        return [stage[: self.distinct] for stage in self.stages]

    @property
    def has_spread(self) -> bool:
        """Whether a shift can be measured: two or more distinct references are stored and vary at every stage."""
        return all(has_spread(stage) for stage in self.distinct_stages)

    @torch.no_grad()
    def measure_shift(self, teacher: Teacher, batches: Iterable[Tensor]) -> float | None:
        """Measure the distance of a domain from the training images, without labels; see `gnl_core.shift_score`.

        Args:
            teacher: The teacher that encoded the references.
            batches: The domain's images, shape (B, 3, H, W) each, of the training images' size.

        Returns:
            The mean of the three stages' shift scores; None if the references have no spread.
        """
        if not self.has_spread:
            return None
        sums, count = [torch.zeros_like(references[0]) for references in self.stages], 0
        for images in batches:
            count += len(images)
            sums = [total + sort_features(stage).sum(dim=0) for total, stage in zip(sums, teacher(images), strict=True)]
        scores = [shift_score(total / count, kept) for total, kept in zip(sums, self.distinct_stages, strict=True)]
        return float(torch.stack(scores).mean())

    def adapted(self, domain_map: DomainMap | None) -> Self:
        """Return these references with a map from another domain; the buffers are shared."""
        twin = copy.copy(self)
        twin.domain_map = domain_map
        return twin

    def carry_over(self, index: int, stage: Tensor) -> Tensor:
        """Carry a stage's map over to the training images' domain; return it unchanged if there is no domain map."""
        if self.domain_map is None:
            return stage
        channel_map, strength = self.domain_map.stages[index], self.domain_map.strength
        mapped = apply_channel_map(stage, channel_map, strength=strength)
        if not self.domain_map.matches_images:
            return mapped
        matched = self.match_fully(index, mapped, (self.distinct, "mean"))
        return torch.lerp(mapped, matched, strength * self.domain_map.excess[index])

    def matching(self, scoring: ScoringConfig, *, own_weight: float) -> Mix | None:
        """Build the function that applies the domain map, and FDM at the matched stages, within the teacher.

        Args:
            scoring: Strength, stages, number and choice of references.
            own_weight: The method's own strength, if the scoring settings leave it unset.

        Returns:
            The function to apply to each stage's map, or None if there is nothing to apply.

        Raises:
            ValueError: If the checkpoint stores fewer references than requested.
        """
        weight = self.check_strength(scoring, own_weight=own_weight)
        if weight == 0:
            return None if self.domain_map is None else self.carry_over

        def mix(index: int, stage: Tensor) -> Tensor:
            stage, target = self.carry_over(index, stage), match_target(index, scoring)
            return stage if target is None else torch.lerp(stage, self.match_fully(index, stage, target), weight)

        return mix

    def replacing(self, scoring: ScoringConfig) -> Mix | None:
        """Build the function that gives each of the three stages' maps the reference's distribution.

        Args:
            scoring: Number and choice of references; strength and stages have no effect.

        Returns:
            The function to apply to each stage's map, or None if no references are stored.

        Raises:
            ValueError: If the checkpoint stores fewer references than requested.
        """
        full = scoring.model_copy(update={"style_weight": 1.0, "matched_stages": ALL_STAGES})
        return self.matching(full, own_weight=1.0) if self.count else None

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
            stage = self.carry_over(index, stage)
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
        """Give a stage's map the reference's distribution."""
        count, choice = target
        kept = self.get_buffer(buffer_name(index))[: min(count, self.distinct)]
        reference = nearest_reference(stage, kept) if choice == "nearest" else kept.mean(dim=0)
        return take_distribution(stage, reference)

    def check_strength(self, scoring: ScoringConfig, *, own_weight: float) -> float:
        """Return the strength of the scoring settings, or the method's own.

        Raises:
            ValueError: If matching is on and the teacher is not cut into stages, or the checkpoint stores fewer
                references than requested.
        """
        weight = own_weight if scoring.style_weight is None else scoring.style_weight
        if weight and not self.can_match:
            raise ValueError(
                "this run's teacher computes its three maps at once, so features cannot be matched behind a stage; "
                "use --style-weight 0"
            )
        if weight and not self.count:
            raise ValueError(
                "this checkpoint stores no references, so features cannot be matched; use --style-weight 0, "
                "or create the run again with --stored-references 1 or more and its training images available"
            )
        if weight and scoring.reference_count > self.count:
            raise ValueError(
                f"this checkpoint stores {self.count} references, but {scoring.reference_count} are requested; "
                "request fewer, or train with a larger --stored-references"
            )
        return weight


def check_can_store(teacher: Teacher, config: RunConfig) -> None:
    """Check that a run's teacher is cut into stages if its settings ask for stored references.

    Raises:
        ValueError: If it is not; the message says what to do.
    """
    if config.stored_references:
        check_is_cut(teacher, purpose="features cannot be matched behind a stage", remedy="add --stored-references 0")


def count_distinct(references: References, _: object = None) -> None:
    """Count the rows before the first copy, after features are stored or loaded."""
    first = first_of_each(references.stages)
    references.distinct = sum(row == place for place, row in enumerate(first))


def first_of_each(parts: Sequence[Tensor]) -> list[int]:
    """Return the indices of rows that are not copies of an earlier row, in order.

    Args:
        parts: Tensors of R rows each; a copy is equal in all of them.
    """
    first: list[int] = []
    for row in range(len(parts[0])):
        if not any(all(torch.equal(part[row], part[seen]) for part in parts) for seen in first):
            first.append(row)
    return first


def match_target(index: int, scoring: ScoringConfig) -> MatchTarget | None:
    """Return number and choice of the references for a stage, or None if the stage is not matched."""
    matched = index in stage_indices(scoring.matched_stages)
    return (scoring.reference_count, scoring.reference_choice) if matched else None


def buffer_name(index: int) -> str:
    """Return the name of the buffer with a stage's sorted reference features."""
    return f"stage_{index + 1}"


@torch.no_grad()
def sorted_shapes(teacher: Teacher, image_size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return channels and number of positions of each stage's map for images of a size."""
    shapes = [stage.flatten(2).shape for stage in teacher(torch.zeros(1, 3, *image_size))]
    return [(channels, positions) for _, channels, positions in shapes]


def pass_originals(batches: Iterable[Batch], *, look: Callable[[Tensor], None]) -> Iterator[Tensor]:
    """Yield each original image, shape (3, H, W), after `look` has processed its batch, in a single pass."""
    for batch in batches:
        look(batch.views["original"])
        yield from batch.views["original"]


def choose_references(images: Iterable[Tensor], *, count: int, seed: int) -> Tensor:
    """Draw images at random without replacement, with at most `count` in memory at a time.

    Args:
        images: Images of shape (3, H, W).
        count: Number of images to draw.
        seed: Seed of the draw.

    Returns:
        Shape (R, 3, H, W), where R is `count`, or the number of images if there are fewer.

    Raises:
        ValueError: If there is no image.
    """
    generator = torch.Generator().manual_seed(seed)
    ranked = ((torch.rand((), generator=generator).item(), image) for image in images)
    chosen = [image for _, image in heapq.nsmallest(max(1, count), ranked, key=itemgetter(0))]
    if not chosen:
        raise ValueError("there is no training image to take references from")
    return torch.stack(chosen)
