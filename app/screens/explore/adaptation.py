"""The lines about adapting on Explore: which way was chosen and why, what the threshold promises, what stays lost."""

from __future__ import annotations

from streamlit.delta_generator import DeltaGenerator

from app.display.adaptation import UNIT, describe_threshold, describe_tray, describe_ways
from app.display.provenance import describe_n
from app.scoring import ScoringResult
from app.screens.explore.captions import merge_notes, short_name
from app.words import capitalised, plain

LOW_AUROC = 0.8


def explain_adaptation(results: list[ScoringResult], *, beside: DeltaGenerator, below: DeltaGenerator) -> None:
    """Show how the methods are adapted; nothing if they are not.

    Args:
        results: The methods on the page.
        beside: The container for the images and the threshold's promise.
        below: The container for the reasons.
    """
    first = results[0]
    if first.adapted is None:
        return
    adapted = {short_name(result): result.adapted.found for result in results if result.adapted}
    n = f"{describe_tray(first.adapted.choice)}; scored without them: {describe_n(first.shifted.report)}"
    ways = merge_notes({name: describe_ways(found.ways) for name, found in adapted.items()}, "  \n")
    thresholds = merge_notes({name: describe_threshold(found.threshold) for name, found in adapted.items()})
    beside.caption(f"{n}  \nThreshold: {thresholds}")
    unit = [UNIT] if any(found.ways.standardise for found in adapted.values()) else []
    below.caption("  \n".join([capitalised(ways), *unit, *lost(results)]))
    warnings = {name: found.warning for name, found in adapted.items() if found.warning}
    if warnings:
        below.warning(plain(merge_notes(warnings)))


def lost(results: list[ScoringResult]) -> list[str]:
    """Say that no threshold mends a low AUROC, if a method's stays low."""
    low = [
        f"{short_name(result)} {result.shifted.report.auroc:.2f}"
        for result in results
        if result.shifted.report.auroc is not None and result.shifted.report.auroc < LOW_AUROC
    ]
    return [f"AUROC stays low ({', '.join(low)}): no threshold can bring back what is lost"] if low else []
