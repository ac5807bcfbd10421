"""The lines about adapting on Explore: which way was chosen and why, what the threshold promises, what stays lost."""

from __future__ import annotations

from streamlit.delta_generator import DeltaGenerator

from app.display.provenance import describe_n
from app.scoring import ScoringResult
from app.screens.explore.captions import merge_notes, short_name
from app.words import capitalised, counted, exact_percent, percent
from gnl_core.adaptation.choice import Ways
from gnl_core.records import RecalibratedThreshold
from gnl_core.runs.trays import compose

LOW_AUROC = 0.8
UNIT = "Standardised scores are in standard deviations from what is usual at each place of the image"


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
    n = f"{describe_tray(first)}; scored without them: {describe_n(first.shifted.report)}"
    ways = merge_notes({name: describe_ways(found.ways) for name, found in adapted.items()}, "  \n")
    thresholds = merge_notes({name: describe_threshold(found.threshold) for name, found in adapted.items()})
    beside.caption(f"{n}  \nThreshold: {thresholds}")
    unit = [UNIT] if any(found.ways.standardise for found in adapted.values()) else []
    below.caption("  \n".join([capitalised(ways), *unit, *lost(results)]))
    warnings = {name: found.warning for name, found in adapted.items() if found.warning}
    if warnings:
        below.warning(merge_notes(warnings))


def describe_tray(result: ScoringResult) -> str:
    """Describe the images that a method is adapted to."""
    if result.adapted is None:
        return ""
    count, known_normal = result.adapted.choice
    if known_normal:
        return f"Adapted to {count} images, known to be normal"
    _, n_anomalous = compose(count, known_normal=False)
    share = exact_percent(round(n_anomalous / count, 3))
    return f"Adapted to {count} unlabelled images, {n_anomalous or 'none'} of them anomalous ({share})"


def describe_ways(ways: Ways) -> str:
    """Name the way chosen, and give the reason."""
    names = {
        "anomaly maps are standardised by position": ways.standardise,
        "the domain is matched": ways.match_domain and not ways.match_images,
        "the domain and each image are matched": ways.match_domain and ways.match_images,
    }
    way = ", ".join(name for name, taken in names.items() if taken) or "only the threshold changes"
    return f"{way}; {ways.reason}"


def describe_threshold(threshold: RecalibratedThreshold) -> str:
    """State what a threshold promises, or what it assumes."""
    if threshold.promised_rate is not None:
        return f"at most {percent(threshold.promised_rate)} false alarms on average over such images"
    share = exact_percent(threshold.assumed_share or 0.0)
    return f"assumes {share} anomalies among the {counted(threshold.n, 'image')} adapted to; nothing is promised"


def lost(results: list[ScoringResult]) -> list[str]:
    """Say that no threshold mends a low AUROC, if a method's stays low."""
    low = [
        f"{short_name(result)} {result.shifted.report.auroc:.2f}"
        for result in results
        if result.shifted.report.auroc is not None and result.shifted.report.auroc < LOW_AUROC
    ]
    return [f"AUROC stays low ({', '.join(low)}): no threshold can bring back what is lost"] if low else []
