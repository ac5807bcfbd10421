"""Describe an adaptation in words: what the images showed, what was chosen, and what the threshold promises."""

from __future__ import annotations

from collections.abc import Iterator

from gnl_core.adaptation.choice import Evidence, warn_of_evidence
from gnl_core.adaptation.recalibration import smallest_promise
from gnl_core.metrics.table import describe_threshold
from gnl_core.percentages import percent
from gnl_core.runs.adaptations import AdaptationRecord, Origin, plain_record
from gnl_core.runs.adapting import way_name


def format_adaptation(record: AdaptationRecord) -> str:
    """Format an adaptation for the terminal, one fact per line."""
    warning = warn_of_evidence(record.evidence)
    lines = [
        describe_origin(record.origin),
        *describe_evidence(record.evidence),
        f"way: {way_name(record.ways)}: {record.ways.reason}",
        describe_threshold(record.threshold),
        *([f"warning: {warning}"] if warning else []),
    ]
    return "\n".join(lines)


def describe_origin(origin: Origin) -> str:
    """Describe where the images come from."""
    images = "1 image" if len(origin.images) == 1 else f"{len(origin.images)} images"
    if origin.domain is None:
        return f"adapted from {images}" + (f" of {origin.folder}" if origin.folder else "")
    return f"adapted from {images} of {origin.domain}, drawn with seed {origin.seed}"


def describe_evidence(evidence: Evidence) -> Iterator[str]:
    """Yield a line on each thing that the images showed."""
    if evidence.displacement:
        shares = ", ".join(map(percent, evidence.displacement))
        yield f"displacement: {shares} at stages 1 to 3, the share of the shift that sampling noise does not explain"
        shares = ", ".join(f"{value:.2f}" for value in evidence.excess)
        yield f"excess: {shares}, by which images differ more among themselves than training images do (0 to 1)"
    if evidence.agreement is not None:
        yield f"agreement: {evidence.agreement:.2f}, the correlation of anomaly maps with other images' median map"
    if evidence.familiarity is not None:
        yield f"familiarity: {evidence.familiarity:.2f}, their correlation with the training images' median map"
    if evidence.remoteness is not None:
        yield (
            f"remoteness: {evidence.remoteness:.2f}, the distance of the matched images from training images, in the "
            "training images' standard deviations"
        )


def adaptation_to_json(record: AdaptationRecord) -> dict[str, object]:
    """Convert an adaptation's metadata to plain values, with what `format_adaptation` derives from them."""
    return {
        **plain_record(record),
        "n": len(record.origin.images),
        "way": way_name(record.ways),
        "reason": record.ways.reason,
        "smallest_promise": smallest_promise(record.threshold.n) if record.aim.known_normal else None,
        "warning": warn_of_evidence(record.evidence),
    }
