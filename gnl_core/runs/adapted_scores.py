"""Scores of a domain under an adaptation to a few of its images, on disk. Nothing here imports PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from gnl_core.adaptation.choice import Ways
from gnl_core.config import ScoringConfig
from gnl_core.files import hash_file
from gnl_core.files.records import SavedRecord, read_record
from gnl_core.files.writing import write_atomically
from gnl_core.records import RecalibratedThreshold, Scores
from gnl_core.runs.folder import RunFolder
from gnl_core.strict_json import to_json

DECIMALS = 5  # of saved scores


class TrayChoice(NamedTuple):
    """Which of a domain's images to adapt to.

    Attributes:
        size: Number of images.
        known_normal: Whether all of them are normal, and known to be.
    """

    size: int
    known_normal: bool = False


class AdaptedScores(NamedTuple):
    """What adapting to a domain gave.

    Attributes:
        ways: What was chosen, and why.
        threshold: The threshold of the adapted scores.
        warning: Why the images are likely to show something else than training images; None without a sign of it.
        tray: Paths of the images adapted to, which are not scored.
        paths: Paths of the other images, shape (n,).
        score: Their adapted scores, shape (n,).
    """

    ways: Ways
    threshold: RecalibratedThreshold
    warning: str | None
    tray: tuple[str, ...]
    paths: tuple[str, ...]
    score: NDArray[np.float64]


class Entry(NamedTuple):
    """Adapted scores with what they depend on besides the checkpoint."""

    domain: str
    scoring: ScoringConfig
    choice: TrayChoice
    adapted: AdaptedScores


class SavedAdapted(SavedRecord):
    """AdaptedScores in a file, whose paths the file has for each domain."""

    ways: Ways
    threshold: RecalibratedThreshold
    warning: str | None
    tray: tuple[str, ...]
    score: list[float]


class SavedEntry(SavedRecord):
    """An Entry in a file."""

    domain: str
    scoring: ScoringConfig
    choice: TrayChoice
    adapted: SavedAdapted


class SavedAdaptedFile(SavedRecord):
    """The file: all entries of one checkpoint, and the paths of each domain's images in their order."""

    checkpoint: str
    images: dict[str, list[str]]
    entries: list[SavedEntry]

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        """Check that each image outside a tray has a score."""
        if any(len(self.paths_of(entry)) != len(entry.adapted.score) for entry in self.entries):
            raise ValueError("there are not as many scores as images outside the tray")
        return self

    def paths_of(self, entry: SavedEntry) -> tuple[str, ...]:
        """Return the paths of the images that an entry has scores of."""
        tray = set(entry.adapted.tray)
        return tuple(path for path in self.images.get(entry.domain, ()) if path not in tray)

    def to_entry(self, entry: SavedEntry) -> Entry:
        """Convert back what `to_fields` gave."""
        score = np.array(entry.adapted.score, dtype=np.float64)
        adapted = AdaptedScores(**dict(entry.adapted) | {"score": score, "paths": self.paths_of(entry)})
        return Entry(entry.domain, entry.scoring, entry.choice, adapted)


def save_adapted(folder: RunFolder, entries: Sequence[Entry], *, images: Mapping[str, Sequence[str]]) -> None:
    """Save adapted scores with the hash of their checkpoint; replaces the file.

    Args:
        folder: The run.
        entries: The scores; each image of a domain is in an entry's tray or has a score, in the order of `images`.
        images: The paths of each domain's images.
    """
    content = {
        "checkpoint": hash_file(folder.weights),
        "images": {domain: list(paths) for domain, paths in images.items()},
        "entries": [to_fields(entry) for entry in entries],
    }
    write_atomically(folder.adapted, to_json(content).encode())


def to_fields(entry: Entry) -> dict[str, Any]:
    """Convert an entry to what JSON holds; scores are rounded, and so is the threshold that they are compared with."""
    adapted = entry.adapted
    threshold = adapted.threshold._replace(value=round(adapted.threshold.value, DECIMALS))
    return {
        "domain": entry.domain,
        "scoring": entry.scoring.model_dump(),
        "choice": entry.choice._asdict(),
        "adapted": {
            "ways": adapted.ways._asdict(),
            "threshold": threshold._asdict(),
            "warning": adapted.warning,
            "tray": list(adapted.tray),
            "score": [round(float(score), DECIMALS) for score in adapted.score],
        },
    }


def read_adapted(folder: RunFolder, checkpoint: str | None = None) -> list[Entry]:
    """Read the adapted scores of a checkpoint; empty if there are none, refused if damaged.

    Args:
        folder: The run.
        checkpoint: SHA-256 of the checkpoint; unset: the current one.
    """
    try:
        saved = read_record(folder.adapted, SavedAdaptedFile, remedy="remove it; Explore then adapts again")
    except FileNotFoundError:
        return []
    current = saved.checkpoint == (checkpoint or hash_file(folder.weights))
    return [saved.to_entry(entry) for entry in saved.entries] if current else []


def without_tray(scores: Scores, adapted: AdaptedScores) -> NDArray[np.intp]:
    """Positions of a domain's scores whose images are not in the tray."""
    return np.flatnonzero(~np.isin(scores.path.astype(str), adapted.tray))
