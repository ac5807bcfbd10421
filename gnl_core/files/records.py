"""Read JSON files as records, so that a damaged file is one sentence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from gnl_core.files import MIB, UnreadableFileError, read_text
from gnl_core.messages import quote

RECORD_BYTES = 8 * MIB  # largest JSON file of a run, comparison, preset or header


def none_if_not_finite(value: object) -> object:
    """Replace NaN and infinities, which files of older versions can contain, by None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


FiniteOrNone = Annotated[float | None, BeforeValidator(none_if_not_finite)]


class SavedRecord(BaseModel):
    """Base of what JSON files hold: of exactly these types, and finite. Fields of newer versions are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


Record = TypeVar("Record", bound=BaseModel)


def read_record(path: Path, kind: type[Record], *, remedy: str, limit_bytes: int = RECORD_BYTES) -> Record:
    """Read a JSON file as a record; the arguments and errors are those of `open_file` and `parse_record`."""
    return parse_record(read_text(path, limit_bytes=limit_bytes), kind, source=str(path), remedy=remedy)


def parse_record(text: str, kind: type[Record], *, source: str, remedy: str) -> Record:
    """Parse JSON as a record.

    Args:
        text: The JSON.
        kind: The class of the record.
        source: Beginning of the message: the file, or its part.
        remedy: End of the message: what to do.

    Raises:
        UnreadableFileError: If it is not JSON, is nested too deeply, or has other fields or types than the record.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise UnreadableFileError(f"{source} cannot be read: {describe_finding(error)}; {remedy}") from None


def describe_finding(error: ValidationError) -> str:
    """Describe the first fault that pydantic found: its place, what came, and what was expected."""
    finding = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in finding["loc"])
    if not place or finding["type"] == "missing":
        return f"{quote(place)} is missing" if place else finding["msg"]
    return f"{place[:60]} = {quote(finding['input'])}: {finding['msg']}"
