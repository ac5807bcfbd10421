"""The metadata of a checkpoint, which is read without PyTorch."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gnl_core.config import LARGEST_EPOCHS
from gnl_core.files.records import SavedRecord
from gnl_core.runs.headers import Format

FORMAT = Format(
    entry="gnl-checkpoint",
    version=2,
    name="a checkpoint",
    writer="gnl train",
    remedy="train the run again",
    absent="train one with gnl train, or pass a run folder that contains weights.safetensors",
)


class Described(SavedRecord):
    """The metadata of a checkpoint, with unchecked settings."""

    config: dict[str, Any]
    epoch: int = Field(ge=0, le=LARGEST_EPOCHS)
    teacher: str
    teacher_fingerprint: str | None
