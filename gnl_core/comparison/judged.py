"""The images that are judged after a tray was put to use: those of a domain that the tray does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.trays import reason_against
from gnl_core.config import ScoringConfig
from gnl_core.metrics.intervals import Placements, extend, place
from gnl_core.records import Scores
from gnl_core.runs.scores import Columns, read_saved_scores, select_scores
from gnl_core.runs.tray_scores import read_tray_scores, select_tray_scores
from gnl_core.runs.trays import TrayUse, judged_images


def place_judged(
    scored: Mapping[str, Scores],
    rows: Columns | None,
    use: TrayUse,
    *,
    scoring: ScoringConfig,
    seeds: Sequence[int],
) -> dict[str, Placements]:
    """Compute the placements of the images of each domain that are not in the tray.

    Args:
        scored: Each domain's scores without any use of a tray.
        rows: The saved scores after a tray was put to use; None if there are none.
        use: What was done with the tray.
        scoring: How the images were scored.
        seeds: The seed that draws the run's tray, followed by those of all runs. Images that the tray of another seed
            leaves to be judged, and this one does not, take no side; see `gnl_core.metrics.intervals.extend`.

    Returns:
        Placements by domain; domains that have too few images or were not scored are left out.
    """
    placed = {}
    for domain, scores in scored.items():
        if reason_against_domain(scores, use) is None:
            found = find_judged(scores, rows, use, scoring=scoring, seed=seeds[0])
            placements = None if found is None else place(found.label, found.score)
            if placements is not None:
                placed[domain] = extend_to_seeds(placements, scores, use, seeds=seeds)
    return placed


def find_judged(
    scores: Scores, rows: Columns | None, use: TrayUse, *, scoring: ScoringConfig, seed: int
) -> Scores | None:
    """Return the scores of a domain's images that are not in the tray; None if they are not saved."""
    judged = judged_images(scores.label, use, seed=seed)
    left = Scores(**{name: values[judged] for name, values in vars(scores).items()})
    if use.way == "none":
        return left
    domain = str(scores.domain[0])
    found = None if rows is None else select_tray_scores(rows, domain=domain, use=use, scoring=scoring)
    return found if found is not None and np.array_equal(found.path, left.path) else None


def extend_to_seeds(placements: Placements, scores: Scores, use: TrayUse, *, seeds: Sequence[int]) -> Placements:
    """Extend placements to the images that are judged for any seed; the first is the run's own."""
    drawn = [judged_images(scores.label, use, seed=seed) for seed in seeds]
    judged, label = drawn[0], scores.label
    normal, anomalous = (judged[np.any(drawn, axis=0) & (label == one)] for one in (0, 1))
    return extend(placements, normal, anomalous)


def reason_against_domain(scores: Scores, use: TrayUse) -> str | None:
    """Return the reason why a domain has too few images for a tray, or None.

    A single image that is left of several has no variance from which an interval over seeds could be computed.
    """
    try:
        judged = judged_images(scores.label, use, seed=0)
    except ValueError as error:
        return str(error)
    for label, name in enumerate(("normal", "anomalous")):
        own = scores.label == label
        if (judged & own).sum() == 1 < own.sum():
            return f"a tray with {use.size} {use.kind} images leaves a single {name} image to be scored; draw fewer"
    return None


def explain_missing(cells: Sequence[GridCell]) -> tuple[str, ...]:
    """Say why numbers after the use of a tray are missing, each reason once."""
    return tuple(dict.fromkeys(reason for cell in cells for reason in missing_reasons(cell)))


def missing_reasons(cell: GridCell) -> Iterator[str]:
    """Yield the reasons why numbers of a cell are missing."""
    rows = read_saved_scores(cell.folder) if cell.uses else None
    adapted = read_tray_scores(cell.folder) if cell.uses else None
    for use in cell.uses if rows is not None else ():
        general = reason_against(cell.config, use)
        if general is not None:
            yield general
            continue
        for domain in cell.domains:
            for scoring in cell.scorings:
                scores = select_scores(rows or {}, domain=domain, scoring=scoring)
                if scores is None:
                    continue
                reason = reason_against_domain(scores, use)
                if reason is not None:
                    yield f"{domain}, normal class {cell.config.normal_class}: {reason}"
                elif find_judged(scores, adapted, use, scoring=scoring, seed=cell.config.seed) is None:
                    yield f"{domain}, {cell.folder.path.name}: {use.request} was not scored; run the command again"
