"""Snapshots of a training on disk: what the detector after each epoch makes of images. Nothing here imports PyTorch."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Annotated, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Base64Bytes, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from gnl_core.config import RunConfig
from gnl_core.files.records import SavedRecord, read_record
from gnl_core.files.writing import write_atomically
from gnl_core.strict_json import to_json

DECIMALS = 5  # of saved numbers
WHITE = 255  # level of a map at the top of its scale
REMEDY = "restore it, or write it again with make snapshots"
Pictures = NDArray[np.uint8]
Size = tuple[PositiveInt, PositiveInt]
Stages = tuple[float, float, float]


class Watched(NamedTuple):
    """The images of one domain.

    Attributes:
        labels: One label per image, 0 for normal and 1 for anomalous, shape (n,).
        rows: Positions of the images that have pictures.
        names: What each of these shows.
        images: Their pixels at the detector's size, RGB, shape (m, H, W, 3).
        teacher: The directions of their stage 1 features as colours, RGB, shape (m, h, w, 3).
    """

    labels: NDArray[np.int64]
    rows: tuple[int, ...]
    names: tuple[str, ...]
    images: Pictures
    teacher: Pictures


class DomainSnapshot(NamedTuple):
    """One domain after an epoch, without matching.

    Attributes:
        scores: One score per image, shape (n,).
        embeddings: Coordinates of each image's embedding in the plane, shape (n, 2).
        distances: For each stage, the mean cosine distance of teacher and student over the positions of each image
            that has pictures, shape (m, S).
        label_distances: The mean of this over all normal images and over all anomalous ones, shape (2, S).
        student: The rebuilt stage 1 features of the images that have pictures, in the teacher's colours,
            shape (m, h, w, 3).
        maps: Their anomaly maps, shape (m, H, W).
    """

    scores: NDArray[np.float64]
    embeddings: NDArray[np.float64]
    distances: NDArray[np.float64]
    label_distances: NDArray[np.float64]
    student: Pictures
    maps: NDArray[np.float32]


class Snapshot(NamedTuple):
    """The detector after an epoch; epoch 0 is before training.

    Attributes:
        epoch: The epoch.
        threshold: The threshold from the held-out training images.
        domains: What it makes of each domain.
    """

    epoch: int
    threshold: float
    domains: dict[str, DomainSnapshot]


class Snapshots(NamedTuple):
    """A training from before its first epoch to its end.

    Attributes:
        watched: The images of the in-distribution domain, and of a shifted one.
        epochs: The snapshots, in order.
        plane_share: Share of the last embeddings' variance that lies in the plane, in [0, 1].
        map_scale: Upper end of the maps' colour scale, from the training images after the last epoch.
        config: The run's settings.
        checkpoint: SHA-256 of the checkpoint after the last epoch.
    """

    watched: dict[str, Watched]
    epochs: tuple[Snapshot, ...]
    plane_share: float
    map_scale: float
    config: RunConfig
    checkpoint: str


class SavedWatched(SavedRecord):
    """Watched in a file."""

    labels: list[Annotated[int, Field(ge=0, le=1)]]
    rows: list[NonNegativeInt]
    names: list[str]
    images: Base64Bytes
    teacher: Base64Bytes


class SavedDomain(SavedRecord):
    """DomainSnapshot in a file; maps are levels from 0 to 255 of the file's scale."""

    scores: list[float]
    embeddings: list[tuple[float, float]]
    distances: list[Stages]
    label_distances: tuple[Stages, Stages]
    student: Base64Bytes
    maps: Base64Bytes

    @property
    def lengths(self) -> tuple[int, ...]:
        """Counts of scores, embeddings, distances, the student's bytes, and the maps' bytes."""
        return len(self.scores), len(self.embeddings), len(self.distances), len(self.student), len(self.maps)


class SavedSnapshot(SavedRecord):
    """Snapshot in a file."""

    epoch: int
    threshold: float
    domains: dict[str, SavedDomain]


class SavedSnapshots(SavedRecord):
    """The file; for the attributes that are not named here, see Snapshots.

    Attributes:
        map_size: Height and width of an image and its map.
        stage_size: Height and width of stage 1.
        brightest: The value of the level 255 of a map; 0 is 0.
    """

    config: RunConfig
    checkpoint: str
    map_size: Size
    stage_size: Size
    brightest: PositiveFloat
    map_scale: PositiveFloat
    plane_share: float
    watched: dict[str, SavedWatched] = Field(min_length=2, max_length=2)
    epochs: list[SavedSnapshot] = Field(min_length=2)

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        """Check that each image has its numbers, and each picture its pixels."""
        pixels, cells = math.prod(self.map_size), math.prod(self.stage_size)
        for name, watched in self.watched.items():
            n, m = len(watched.labels), len(watched.rows)
            of_images = (len(watched.names), len(watched.images), len(watched.teacher))
            parts = [snapshot.domains.get(name) for snapshot in self.epochs]
            of_epochs = {part and part.lengths for part in parts}
            complete = of_epochs == {(n, n, m, 3 * m * cells, m * pixels)}
            if not complete or of_images != (m, 3 * m * pixels, 3 * m * cells) or max(watched.rows, default=n) >= n:
                raise ValueError(f"the numbers or pictures of {name} are incomplete")
        return self


def save_snapshots(path: Path, snapshots: Snapshots) -> None:
    """Save the snapshots of a training; an existing file is replaced."""
    every = [part.maps for snapshot in snapshots.epochs for part in snapshot.domains.values()]
    brightest = max(float(maps.max()) for maps in every)
    first = next(iter(snapshots.watched.values()))
    content = snapshots._asdict() | {
        "config": snapshots.config.model_dump(mode="json"),
        "map_size": every[0].shape[1:],
        "stage_size": first.teacher.shape[1:3],
        "brightest": brightest,
        "watched": {
            name: watched._asdict()
            | {"labels": watched.labels.tolist(), "images": encode(watched.images), "teacher": encode(watched.teacher)}
            for name, watched in snapshots.watched.items()
        },
        "epochs": [
            snapshot._asdict()
            | {"domains": {name: to_fields(part, brightest) for name, part in snapshot.domains.items()}}
            for snapshot in snapshots.epochs
        ],
    }
    write_atomically(path, to_json(content).encode())


def to_fields(part: DomainSnapshot, brightest: float) -> dict[str, object]:
    """Convert a domain to what JSON holds."""
    numbers = ("scores", "embeddings", "distances", "label_distances")
    levels = (WHITE * part.maps / brightest).round().astype(np.uint8)
    return {name: getattr(part, name).round(DECIMALS).tolist() for name in numbers} | {
        "student": encode(part.student),
        "maps": encode(levels),
    }


def encode(pictures: Pictures) -> str:
    """Encode bytes as text."""
    return base64.b64encode(pictures.tobytes()).decode()


def read_snapshots(path: Path) -> Snapshots:
    """Read the snapshots of a training.

    Raises:
        FileNotFoundError: If there is no file.
        UnreadableFileError: If it is damaged.
    """
    return from_saved(read_record(path, SavedSnapshots, remedy=REMEDY))


def from_saved(saved: SavedSnapshots) -> Snapshots:
    """Convert back what `save_snapshots` wrote."""
    watched = {
        name: Watched(
            labels=np.array(one.labels, dtype=np.int64),
            rows=tuple(one.rows),
            names=tuple(one.names),
            images=decode(one.images, (*saved.map_size, 3)),
            teacher=decode(one.teacher, (*saved.stage_size, 3)),
        )
        for name, one in saved.watched.items()
    }
    epochs = tuple(
        Snapshot(one.epoch, one.threshold, {name: from_fields(part, saved) for name, part in one.domains.items()})
        for one in saved.epochs
    )
    return Snapshots(watched, epochs, saved.plane_share, saved.map_scale, saved.config, saved.checkpoint)


def from_fields(part: SavedDomain, saved: SavedSnapshots) -> DomainSnapshot:
    """Convert back what `to_fields` gave."""
    levels = decode(part.maps, saved.map_size).astype(np.float32)
    return DomainSnapshot(
        scores=np.array(part.scores),
        embeddings=np.array(part.embeddings),
        distances=np.array(part.distances),
        label_distances=np.array(part.label_distances),
        student=decode(part.student, (*saved.stage_size, 3)),
        maps=levels * (saved.brightest / WHITE),
    )


def decode(content: bytes, shape: tuple[int, ...]) -> Pictures:
    """Decode pictures of one shape."""
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, *shape)
