"""Scores and anomaly maps of images by each method, without and with matching or adapted, on shared colour scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app.methods import REVERSE_DISTILLATION
from app.scoring import ScoringRequest, map_scale, scores_of_each, threshold_of
from app.sources import source_of
from app.subjects import Subject
from app.words import plain
from gnl_core.metrics.image import exceedance
from gnl_core.names import DETECTOR_NAMES, name_of
from gnl_core.records import Scores
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.domains import TRAIN

if TYPE_CHECKING:
    from app.adapted_image import AdaptedScore
    from app.inspection import ImageScore

STANDARDISED = "standardised maps"


class RequestPair(NamedTuple):
    """One method's scoring requests.

    Attributes:
        off: Without matching.
        on: With matching; None for a method that cannot match.
    """

    off: ScoringRequest
    on: ScoringRequest | None

    @property
    def requests(self) -> list[ScoringRequest]:
        """The existing requests."""
        return [request for request in self if request is not None]


class ImageResult(NamedTuple):
    """One method's result for an image.

    Attributes:
        request: The scoring request.
        image_score: Score and map.
        share_below: Share of the training images with a lower score.
        n_training: Number of training images.
        upper: Upper end of the colour scale.
        adapted: How the method is adapted; None if it is not.
    """

    request: ScoringRequest
    image_score: ImageScore
    share_below: float
    n_training: int
    upper: float
    adapted: AdaptedScore | None = None

    @property
    def name(self) -> str:
        """The method's name and whether matching is on; the same at every strength."""
        method = name_of(DETECTOR_NAMES, self.request.checkpoint.config.detector)
        if self.adapted:
            return f"{method}, adapted"
        return f"{method}, FDM {'on' if self.request.scoring.style_weight else 'off'}"

    @property
    def title(self) -> str:
        """The method's name, with the strength of matching if it is on, or as adapted."""
        return f"{self.request.title}, adapted" if self.adapted else self.request.title


class ResultPair(NamedTuple):
    """One method's results for an image, without matching, and with it or adapted; None for a method that cannot."""

    off: ImageResult
    on: ImageResult | None

    @property
    def cells(self) -> Iterator[ImageResult]:
        """The existing results."""
        yield from (cell for cell in self if cell is not None)

    @property
    def requests(self) -> RequestPair:
        """The method's scoring requests."""
        return RequestPair(self.off.request, None if self.on is None else self.on.request)


def score_images(rows: Sequence[RequestPair], subjects: Sequence[Subject]) -> list[list[ResultPair]]:
    """Score images with each method, one list per method; omit a method that fails, and show why."""
    columns = []
    with st.spinner("Scoring the images" if len(subjects) > 1 else "Scoring the image", show_time=True):
        for row in rows:
            try:
                columns.append(score_with_method(row, subjects))
            except (ValueError, OSError) as error:
                st.error(f"{name_of(DETECTOR_NAMES, row.off.checkpoint.config.detector)} is left out: {plain(error)}")
    scaled = iter(on_shared_scales([pair for column in columns for pair in column]))
    return [[next(scaled) for _ in column] for column in columns]


def score_with_method(row: RequestPair, subjects: Sequence[Subject]) -> list[ResultPair]:
    """Score images with one method, on the colour scale of its training images.

    Raises:
        ValueError: If the checkpoint cannot be used; the message says why.
    """
    from app.inspection import score_each_image  # noqa: PLC0415 (PyTorch takes seconds to import)

    requests = row.requests
    trainings = scores_of_each(requests, TRAIN)
    results = score_each_image(source_of(row.off.checkpoint), subjects, [request.scoring for request in requests])
    cells = [
        [compare_with_training(request, image_score, training) for image_score in column]
        for request, column, training in zip(requests, results, trainings, strict=True)
    ]
    return [ResultPair(own[0], own[1] if len(own) > 1 else None) for own in zip(*cells, strict=True)]


def compare_with_training(request: ScoringRequest, image_score: ImageScore, training: Scores) -> ImageResult:
    """Compare an image's score with the training images' scores."""
    upper = 1.0 if image_score.anomaly_map is None else map_scale(request, training)
    share_below = 1 - exceedance(training.score, image_score.score)
    return ImageResult(request, image_score, share_below, len(training.score), upper)


def alarm_threshold(cell: ImageResult) -> float:
    """Return the score above which a method raises an alarm: its run's threshold, or the one it has when adapted.

    Raises:
        ValueError: If the images that the threshold is chosen from cannot be scored; the message says why.
    """
    return cell.adapted.threshold.value if cell.adapted else threshold_of(cell.request)


def adapt_pairs(rows: Sequence[ResultPair], subject: Subject, *, shifted: str, choice: TrayChoice) -> list[ResultPair]:
    """Add each method's result when it is adapted to the shifted domain; if it cannot be adapted, show why."""
    from app.adapted_image import score_adapted  # noqa: PLC0415 (PyTorch takes seconds to import)

    adapted = []
    with st.spinner(f"Adapting to {choice.size} images", show_time=True):
        for row in rows:
            checkpoint, scoring = row.off.request
            try:
                found = score_adapted(source_of(checkpoint), subject, scoring, domain=shifted, choice=choice)
                adapted.append(row._replace(on=adapt_cell(row.off, found)))
            except (ValueError, OSError) as error:
                st.error(f"{name_of(DETECTOR_NAMES, checkpoint.config.detector)} is not adapted: {plain(error)}")
                adapted.append(row)
    return on_shared_scales(adapted)


def adapt_cell(off: ImageResult, found: AdaptedScore) -> ImageResult:
    """Put an adapted result in the place of another; the scale of standardised maps ends at the threshold."""
    upper = found.threshold.value if found.ways.standardise else off.upper
    return off._replace(image_score=found.image_score, adapted=found, upper=upper)


def on_shared_scales(rows: Sequence[ResultPair]) -> list[ResultPair]:
    """Set comparable maps to a common colour scale, the largest of their own scales.

    The maps of all reverse-distillation methods are comparable; those of any other method only with each other. No
    scale depends on the image itself.
    """
    uppers: dict[str, float] = {}
    for row in rows:
        for cell in row.cells:
            kind = kind_of(cell)
            uppers[kind] = max(cell.upper, uppers.get(kind, 0.0))
    return [ResultPair(rescale(row.off, uppers), row.on and rescale(row.on, uppers)) for row in rows]


def rescale(cell: ImageResult, uppers: dict[str, float]) -> ImageResult:
    """Set a result to the colour scale of its kind."""
    return cell._replace(upper=uppers[kind_of(cell)])


def kind_of(cell: ImageResult) -> str:
    """Name the group of methods whose maps are comparable with this result's map."""
    if cell.adapted and cell.adapted.ways.standardise:
        return STANDARDISED
    detector = cell.request.checkpoint.config.detector
    return REVERSE_DISTILLATION[0] if detector in REVERSE_DISTILLATION else detector
