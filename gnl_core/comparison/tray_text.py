"""Say in words what a comparison does with trays, and which images it then judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gnl_core.comparison.records import Comparison, ComparisonRow
from gnl_core.percentages import round_percent
from gnl_core.runs.trays import TrayUse, compose, largest_draw

Counts = tuple[int, int]  # of normal and of anomalous images


def has_uses(rows: Sequence[ComparisonRow]) -> bool:
    """Return whether any row of a table puts a tray to use."""
    return any(row.method.use for row in rows)


def describe_bold(rows: Sequence[ComparisonRow]) -> list[str]:
    """Say which rows compete for the best number, if not all of them do."""
    return ["Bold: the best of a column among rows over the same images."] if has_uses(rows) else []


def use_text(use: TrayUse | None) -> str:
    """Name what a row does with a tray."""
    if use is None:
        return "as it is"
    images = f"{use.size} {use.kind} {'image' if use.size == 1 else 'images'}"
    texts = {
        "none": f"as it is, {images} left out",
        "adapted": f"adapted to {images}",
        "bank": f"{images} added to the bank",
    }
    return texts[use.way]


def uses_in(comparison: Comparison) -> tuple[TrayUse, ...]:
    """Return every use of a tray in a comparison, each once."""
    return tuple(dict.fromkeys(row.method.use for row in comparison.rows if row.method.use is not None))


def judged_counts(counts: Mapping[str, Counts], use: TrayUse) -> dict[str, Counts]:
    """Return the numbers of images per domain that are not in its tray; domains with too few images are left out.

    Args:
        counts: Numbers of all test images per domain.
        use: What is done with the tray.
    """
    drawn = compose(use.size, known_normal=use.known_normal)
    return {
        domain: (normal - drawn[0], anomalous - drawn[1])
        for domain, (normal, anomalous) in counts.items()
        if drawn[0] <= largest_draw(normal) and drawn[1] <= largest_draw(anomalous)
    }


def describe_trays(comparison: Comparison) -> Iterator[str]:
    """Say what adaptation means, which images are judged, and why numbers are missing; yields nothing without trays."""
    uses = uses_in(comparison)
    if not uses:
        return
    yield (
        "Adaptation: without training, to images of each domain that the run's seed draws. They are left out of the "
        "adapted row and of a row of the method as it is; differences are from RD4AD without matching over the same "
        "images."
    )
    yield f"{'; '.join(describe_judged(comparison))}."
    if comparison.missing:
        yield f"Missing numbers: {'; '.join(comparison.missing)}."


def describe_judged(comparison: Comparison) -> Iterator[str]:
    """Describe, for each tray, the images that are judged, as ranges over domains and classes."""
    for use in dict.fromkeys(use._replace(way="none") for use in uses_in(comparison)):
        judged = [kept for counts in comparison.counts.values() for kept in judged_counts(counts, use).values()]
        if not judged:
            continue
        normal, anomalous = map(number_range, zip(*judged, strict=True))
        shares = number_range(int(round_percent(kept[1] / sum(kept))) for kept in judged)
        n_drawn = compose(use.size, known_normal=use.known_normal)[1]
        drawn = "" if use.known_normal else f" ({n_drawn} of them anomalous)"
        yield (
            f"{use.size} {use.kind} images left out{drawn}: n = {normal} normal and {anomalous} anomalous test images "
            f"per domain and class, {shares} % anomalies"
        )


def number_range(numbers: Iterable[int]) -> str:
    """Format numbers as their smallest and largest, or as one if all are equal."""
    ordered = sorted(numbers)
    return f"{ordered[0]}" if ordered[0] == ordered[-1] else f"{ordered[0]}-{ordered[-1]}"
