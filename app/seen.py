"""An image as a detector sees it, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable

from app.subjects import Subject
from gnl_core.config import EVERYWHERE, RunConfig, ScoringConfig
from gnl_core.config.values import size_text

RESIZE_NOTES = {
    "letterbox": "The image is letterboxed to keep its aspect ratio; the border does not count.",
    "crop": "The image is cropped to keep its aspect ratio; what is cut off is not scored.",
}
REGION_NOTE = "Green: the region of interest, outside of which nothing counts."


def subject_as_seen(subject: Subject, config: RunConfig) -> Subject:
    """Return an image and its mask as a run's detector sees them, letterboxed or cropped as in training."""
    if config.resize == "stretch":
        return subject
    from gnl_core.datasets.fitting import image_as_seen, mask_as_seen  # noqa: PLC0415 (PyTorch takes seconds to import)

    mask = None if subject.mask is None else mask_as_seen(subject.mask, config)
    return subject._replace(image=image_as_seen(subject.image, config), mask=mask)


def describe_input(shown: Iterable[tuple[str, RunConfig, ScoringConfig]]) -> str:
    """Say how methods see an image, where it is not simply stretched and counted as a whole; else return "".

    Args:
        shown: The methods' names, with the settings of their runs and of the scoring.
    """
    notes = {name: notes_on(config, scoring) for name, config, scoring in shown}
    if len(set(notes.values())) == 1:
        return next(iter(notes.values()))
    return " ".join(f"{name}: {note}" for name, note in notes.items() if note)


def notes_on(config: RunConfig, scoring: ScoringConfig) -> str:
    """Say how one method sees an image; see `describe_input`."""
    notes = [RESIZE_NOTES[config.resize]] if config.resize in RESIZE_NOTES else []
    if config.tile_size is not None:
        size = size_text(config.tile_size)
        notes.append(f"The image is scored in overlapping tiles of {size} px; a line marks where each begins.")
    if scoring.region_of_interest != EVERYWHERE:
        notes.append(REGION_NOTE)
    return " ".join(notes)
