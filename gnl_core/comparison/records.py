"""Records of a comparison."""

from __future__ import annotations

from typing import NamedTuple

from gnl_core.config import RunConfig
from gnl_core.runs.trays import TrayUse

MEAN_SHIFT, WORST_SHIFT, ID_COST = "mean shift", "worst shift", "ID cost"
REFERENCE_DETECTOR = "rd4ad"  # without matching, the paper's baseline


class Method(NamedTuple):
    """A method at one strength of matching, as it is or after a few images of each domain were put to use.

    Attributes:
        detector: Its name in DETECTORS.
        style_weight: Strength of matching; None for a method without matching.
        use: What is done with a tray of each domain, whose images are left out of the numbers; None without trays.
    """

    detector: str
    style_weight: float | None
    use: TrayUse | None = None


REFERENCE = Method(REFERENCE_DETECTOR, 0.0)


def reference_of(method: Method) -> Method:
    """Return the baseline of a method: the reference as it is, with the same images left out."""
    return REFERENCE if method.use is None else REFERENCE._replace(use=method.use._replace(way="none"))


class Entry(NamedTuple):
    """One number of a table.

    Attributes:
        value: An AUROC in [0, 1], or for the ID cost a difference of two.
        interval: Its 95 % interval over test images, None where it is not measured.
        spread: Standard deviation over seeds, None for fewer than two.
        difference: The value minus the reference's, over the same classes and seeds; None without reference.
        clear: Whether the difference is significant at the 95 % level, over test images and seeds.
        domain: Name of the domain, for the worst shift.
        runs: Number of runs that it averages; 0 for published numbers.
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
        method: The method and its strength; no strength for published numbers.
        published: Whether these are the supplement's numbers instead of ours.
        entries: Column name to number; columns without a number are absent.
        runs: Number of runs behind the row, 0 for published numbers.
        training_seconds: Mean training time of these runs, None for published numbers.
    """

    method: Method
    published: bool
    entries: dict[str, Entry]
    runs: int = 0
    training_seconds: float | None = None


class Comparison(NamedTuple):
    """The results of a comparison.

    Attributes:
        config: The settings that all runs share; `method` has the methods' settings that are not the default.
        in_distribution: The domain of the training images.
        classes: The normal classes.
        seeds: The seeds.
        domains: The domains with an AUROC, in-distribution first.
        columns: Column names, domains first.
        rows: Means over classes and seeds.
        by_class: Rows of each class on its own, averaged over seeds.
        counts: Numbers of normal and anomalous test images per class and domain.
        diverged: Names of runs with scores that are not finite; domains with such scores are left out of
            all numbers.
        missing: Why numbers of adapted methods are missing, one sentence each.
        engines: What computed the teacher for the scores, as far as their files say.
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
    missing: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
