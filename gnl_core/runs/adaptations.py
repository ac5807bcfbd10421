"""Adaptations on disk: what a detector needs in a new domain, as safetensors, with its origin.

A file belongs to one checkpoint, whose hash it names; it is refused for any other. Reading it executes no code.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from safetensors.torch import save
from torch import Tensor

from gnl_core.adaptation.choice import Evidence, Ways
from gnl_core.adaptation.domain_map import TABLE_SIZE, ChannelMap
from gnl_core.adaptation.positions import PositionStatistics
from gnl_core.adaptation.recalibration import Aim
from gnl_core.adaptation.records import Adaptation, DomainMap, Positions
from gnl_core.config import ScoringConfig
from gnl_core.config.validation import SettingsRecord
from gnl_core.detectors.references import STAGE_COUNT
from gnl_core.files import read_tensors
from gnl_core.files.writing import write_atomically
from gnl_core.finite import find_not_finite
from gnl_core.messages import quote, shorten
from gnl_core.records import RecalibratedThreshold
from gnl_core.runs.headers import Format, read_described
from gnl_core.runs.scoring import Run
from gnl_core.scoring import references_of
from gnl_core.strict_json import to_json

REMEDY = "adapt this run again with gnl adapt"
FORMAT = Format(
    entry="gnl-adaptation",
    version=1,
    name="an adaptation",
    writer="gnl adapt",
    remedy=REMEDY,
    absent="pass a file written by gnl adapt",
)
SHA256 = "^[0-9a-f]{64}$"
SHOWN_DIGITS = 12  # of a hash in a message
Share = Annotated[float, Field(ge=0, le=1)]


class SeenImage(SettingsRecord):
    """An image that a detector was adapted from: its name, and the SHA-256 of its size and pixels."""

    name: str
    sha256: str = Field(pattern=SHA256)


class Origin(SettingsRecord):
    """Where the images that a detector was adapted from come from.

    Attributes:
        folder: The folder, if they were all images of one.
        domain: The domain, if they were drawn from one; the next two are then set.
        seed: Seed of the draw.
        anomaly_percent: Share of anomalies among those drawn, percent.
        images: The images, ordered by hash.
    """

    folder: str | None = None
    domain: str | None = None
    seed: int | None = None
    anomaly_percent: float | None = None
    images: tuple[SeenImage, ...] = Field(min_length=1)


class AdaptationRecord(SettingsRecord):
    """The metadata of an adaptation; NamedTuples are described at their own class.

    Attributes:
        checkpoint: SHA-256 of the checkpoint that it belongs to.
        detector: The method's name.
        scoring: The scoring settings that it was fitted for, with nothing unset.
        ways: What was chosen, and why.
        evidence: What the images showed.
        aim: What the threshold aims at.
        threshold: The threshold of adapted scores.
        map_scale: Upper end of the colour scale of adapted anomaly maps; None for a method without maps.
        origin: Where the images come from.
        excess: Of the domain map, `DomainMap.excess`; None without a domain map.
        domain_strength: Likewise, `DomainMap.strength`.
        position_strength: `Positions.strength`; None if maps are not standardised.
        format_version: Version of the file's format.
    """

    checkpoint: str = Field(pattern=SHA256)
    detector: str
    scoring: ScoringConfig
    ways: Ways
    evidence: Evidence
    aim: Aim
    threshold: RecalibratedThreshold
    map_scale: float | None = Field(gt=0)
    origin: Origin
    excess: Annotated[tuple[Share, ...], Field(min_length=STAGE_COUNT, max_length=STAGE_COUNT)] | None = None
    domain_strength: Share | None = None
    position_strength: Share | None = None
    format_version: int = FORMAT.version

    @model_validator(mode="after")
    def check_ways(self) -> Self:
        """Check that what the chosen ways need is set, and nothing else."""
        domain, positions = self.ways.match_domain, self.ways.standardise
        if domain != (self.excess is not None) or domain != (self.domain_strength is not None):
            raise ValueError("the domain map does not fit the chosen ways")
        if positions != (self.position_strength is not None):
            raise ValueError("the positions do not fit the chosen ways")
        return self


class SavedAdaptation(NamedTuple):
    """An adaptation and its metadata."""

    adaptation: Adaptation
    record: AdaptationRecord


def checkpoint_hash(run: Run) -> str:
    """Return the SHA-256 of the checkpoint that a run was loaded from.

    Raises:
        ValueError: If the detector was not loaded from one.
    """
    if run.sha256 is None:
        raise ValueError("an adaptation belongs to a checkpoint, but this run was not loaded from one; load it first")
    return run.sha256


def save_adaptation(path: Path, saved: SavedAdaptation) -> None:
    """Write an adaptation atomically, creating the file's folder if needed; an existing file is replaced.

    Raises:
        ValueError: If it holds numbers that are not finite.
    """
    tensors = dict(named_tensors(saved.adaptation))
    check_finite(path, tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(tensors, metadata={FORMAT.entry: to_json(plain_record(saved.record))}))


def plain_record(record: AdaptationRecord) -> dict[str, object]:
    """Convert metadata to plain values, NamedTuples by the names of their fields."""
    named = {name: value._asdict() for name, value in dict(record).items() if hasattr(value, "_asdict")}
    return record.model_dump() | named


def named_tensors(adaptation: Adaptation) -> Iterator[tuple[str, Tensor]]:
    """Yield each tensor of an adaptation with its name in a file, on the CPU."""
    if adaptation.domain_map is not None:
        for number, stage in enumerate(adaptation.domain_map.stages, start=1):
            for part, value in stage._asdict().items():
                yield f"stage_{number}.{part}", value.cpu().contiguous()
    if adaptation.positions is not None:
        for part, value in adaptation.positions.statistics._asdict().items():
            yield f"positions.{part}", value.cpu().contiguous()


def load_adaptation(path: Path, run: Run) -> SavedAdaptation:
    """Read an adaptation for a run, to its detector's device.

    Args:
        path: A file written by `save_adaptation`.
        run: The run that was adapted.

    Raises:
        ValueError: If the file is missing, is not a gnl adaptation, is damaged or has a newer format, was made for
            another checkpoint, does not fit the detector, or holds numbers that are not finite.
    """
    record, tensors = read_adaptation(path)
    check_checkpoint(record, run, name=str(path))
    check_shapes(path, tensors, expected_shapes(record, run))
    check_finite(path, tensors)
    check_positive(path, tensors)
    return SavedAdaptation(rebuild(record, tensors, run.detector.device), record)


def check_checkpoint(record: AdaptationRecord, run: Run, *, name: str) -> None:
    """Check that an adaptation, by its name in the message, belongs to a run's checkpoint."""
    if record.checkpoint != checkpoint_hash(run):
        raise ValueError(
            f"{name} was made for another checkpoint (SHA-256 {record.checkpoint[:SHOWN_DIGITS]}…); {REMEDY}"
        )


def read_adaptation(path: Path) -> tuple[AdaptationRecord, dict[str, Tensor]]:
    """Read the metadata and the tensors of an adaptation."""
    return read_described(path, FORMAT, AdaptationRecord, read=read_tensors)


def expected_shapes(record: AdaptationRecord, run: Run) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of an adaptation by name, as the record and the run's detector need it."""
    shapes: dict[str, tuple[int, ...]] = {}
    references = references_of(run.detector)
    stages = [kept.shape[1] for kept in references.stages] if references else [0] * STAGE_COUNT
    for number, channels in enumerate(stages if record.ways.match_domain else (), start=1):
        shapes |= {f"stage_{number}.{part}": (channels,) for part in ChannelMap._fields}
        shapes[f"stage_{number}.table"] = (channels, TABLE_SIZE)
    if record.ways.standardise:
        shapes |= {f"positions.{part}": run.config.image_size for part in PositionStatistics._fields}
    return shapes


def check_shapes(path: Path, tensors: dict[str, Tensor], expected: dict[str, tuple[int, ...]]) -> None:
    """Check that names, shapes and types of an adaptation's tensors are the expected ones."""
    differing = sorted(set(expected) ^ set(tensors))
    differing += [
        name
        for name in expected.keys() & tensors.keys()
        if tensors[name].shape != expected[name] or tensors[name].dtype != torch.float32
    ]
    if differing:
        raise ValueError(
            f"{path} does not fit this run's detector: {len(differing)} tensors differ, such as {quote(differing[0])}; "
            f"{REMEDY}"
        )


def check_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    """Check that all numbers of an adaptation are finite."""
    name = find_not_finite(tensors)
    if name:
        raise ValueError(f"{path}: {shorten(name)} holds numbers that are not finite; {REMEDY}")


def check_positive(path: Path, tensors: dict[str, Tensor]) -> None:
    """Check what an adaptation divides by: deviations, and the widths of the tables."""
    for name, value in tensors.items():
        low = tensors[name.replace("high", "low")] if name.endswith("high") else 0
        if name.endswith(("high", "deviation")) and not (value > low).all():
            raise ValueError(f"{path}: {name} holds numbers that are too small; {REMEDY}")


def rebuild(record: AdaptationRecord, tensors: dict[str, Tensor], device: torch.device) -> Adaptation:
    """Build an adaptation from its metadata and tensors, which have been checked."""
    placed = {name: value.to(device) for name, value in tensors.items()}
    adaptation = Adaptation()
    if record.excess is not None and record.domain_strength is not None:
        stages = tuple(
            ChannelMap(**{part: placed[f"stage_{number}.{part}"] for part in ChannelMap._fields})
            for number in range(1, STAGE_COUNT + 1)
        )
        domain_map = DomainMap(stages, record.excess, record.ways.match_images, record.domain_strength)
        adaptation = adaptation._replace(domain_map=domain_map)
    if record.position_strength is not None:
        statistics = PositionStatistics(**{part: placed[f"positions.{part}"] for part in PositionStatistics._fields})
        adaptation = adaptation._replace(positions=Positions(statistics, record.position_strength))
    return adaptation
