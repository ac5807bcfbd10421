"""The smallest stroke that raises an alarm. Imports PyTorch: import it only after drawing the rest."""

from __future__ import annotations

from app.compute import run_of, shared_fit
from app.image_scoring import ImageResult, alarm_threshold
from app.server import rules
from app.sources import source_of
from app.strokes import Search, Stroke, draw_stroke, search_smallest, size_range
from app.subjects import Subject, as_item
from app.turns import take_turn
from gnl_core.finite import check_scores
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.scoring import scoring_batches
from gnl_core.scoring import detect


def search_stroke(
    cell: ImageResult, subject: Subject, stroke: Stroke, *, domain: str, choice: TrayChoice | None
) -> Search:
    """Search for the smallest size of a stroke on an image at which a method raises an alarm.

    Args:
        cell: The method and its settings.
        subject: The image.
        stroke: The stroke.
        domain: The domain that the method is adapted to, if it is.
        choice: Which of its images it is adapted to; None if it is not.

    Raises:
        ValueError: If the checkpoint cannot be used, or a score is not finite; the message says why.
    """
    checkpoint, scoring = cell.request
    source = source_of(checkpoint)
    run = run_of(source)
    detector = run.detector
    if cell.adapted and choice:
        fit = shared_fit(source, domain=domain, scoring=scoring, choice=choice).fit
        detector = detector.adapted(fit.adaptation)

    def score_at(size: int) -> float:
        item = as_item(subject._replace(image=draw_stroke(subject.image, stroke, size=size)))
        ((_, detection),) = detect(detector, scoring_batches([item], run.config), scoring)
        check_scores(detection.score.numpy(), source=source.weights.parent.name)
        return float(detection.score[0])

    least, most = size_range(stroke, subject.image)
    rules.count_computation()
    with take_turn(("smallest stroke", source.sha256, subject.digest), title="Smallest stroke"):
        return search_smallest(score_at, least=least, most=most, threshold=alarm_threshold(cell))
