"""What a comparison consists of. No behaviour."""

from __future__ import annotations

from typing import NamedTuple

from gnl_core.config import RunConfig

MEAN_SHIFT, WORST_SHIFT, ID_COST = "mean shift", "worst shift", "ID cost"
REFERENCE_DETECTOR = "rd4ad"  # without matching: what the paper compares with


class Method(NamedTuple):
    """A method at one strength of matching.

    Attributes:
        detector: Its name in DETECTORS.
        style_weight: Strength of matching; None for a method without.
    """

    detector: str
    style_weight: float | None


REFERENCE = Method(REFERENCE_DETECTOR, 0.0)


class Entry(NamedTuple):
    """One number of a table.

    Attributes:
        value: An AUROC in [0, 1], or for the ID cost a difference of two.
        interval: Its 95 % interval over test images, None where it is not measured.
        spread: Standard deviation over seeds, None for fewer than two.
        difference: The value minus the reference's, over the same classes and seeds; None without reference.
        clear: Whether that difference is larger than chance explains.
        domain: Which domain it is, for the worst shift.
        runs: Number of runs that it is the mean of; 0 for published numbers.
    """

    value: float
    interval: tuple[float, float] | None = None
    spread: float | None = None
    difference: float | None = None
    clear: bool = False
    domain: str = ""
    runs: int = 0


class ComparisonRow(NamedTuple):
    """One row of a table.

    Attributes:
        method: The method and its strength; for published numbers without strength.
        published: Whether these are the supplement's numbers instead of ours.
        entries: Column to number; columns without one are absent.
        runs: Number of runs that went into it, 0 for published numbers.
        training_seconds: Mean duration of their trainings, None for published numbers.
    """

    method: Method
    published: bool
    entries: dict[str, Entry]
    runs: int = 0
    training_seconds: float | None = None


class Comparison(NamedTuple):
    """All that is shown of a comparison.

    Attributes:
        config: The settings that all runs share.
        in_distribution: The domain of the training images.
        classes: The classes that are normal in turn.
        seeds: The seeds.
        domains: The domains that have an AUROC, in-distribution first.
        columns: Names of the columns, domains first.
        rows: Means over classes and seeds.
        by_class: The same for each class alone.
        counts: For each class and domain the number of normal and of anomalous test images.
        diverged: Names of the runs that have scores that are not finite; no number counts these.
    """

    config: RunConfig
    in_distribution: str
    classes: tuple[str, ...]
    seeds: tuple[int, ...]
    domains: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[ComparisonRow]
    by_class: dict[str, list[ComparisonRow]]
    counts: dict[str, dict[str, tuple[int, int]]]
    diverged: tuple[str, ...] = ()
