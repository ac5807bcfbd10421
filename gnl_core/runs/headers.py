"""Read our own safetensors files: one metadata entry with a record as JSON, and tensors. No code is executed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from gnl_core.files import DamagedFileError, UnreadableFileError
from gnl_core.files.records import SavedRecord, describe_finding
from gnl_core.messages import quote

Record = TypeVar("Record", bound=BaseModel)
Tensors = TypeVar("Tensors")


class Format(NamedTuple):
    """A kind of file, and the words for it in messages.

    Attributes:
        entry: Name of the metadata entry.
        version: Version that is written and read.
        name: What such a file is, with its article, such as "a checkpoint".
        writer: The command that writes it.
        remedy: What to do about a file that cannot be read.
        absent: What to do if there is no file.
    """

    entry: str
    version: int
    name: str
    writer: str
    remedy: str
    absent: str


class Version(SavedRecord):
    """The part of the metadata that every version has."""

    format_version: int


def read_described(
    path: Path, form: Format, kind: type[Record], *, read: Callable[[Path], tuple[dict[str, str], Tensors]]
) -> tuple[Record, Tensors]:
    """Read the metadata and the tensors of a file.

    Args:
        path: The file.
        form: Its kind.
        kind: The record in its metadata.
        read: `read_tensors` or `read_arrays` of `gnl_core.files`.

    Raises:
        UnreadableFileError: If the file is missing, damaged, of another kind or version, or no regular file.
    """
    noun = form.name.removeprefix("an ").removeprefix("a ")
    try:
        metadata, tensors = read(path)
    except FileNotFoundError:
        raise UnreadableFileError(f"no {noun} at {path}; {form.absent}") from None
    except DamagedFileError as error:
        raise UnreadableFileError(
            f"{path} is damaged or not {form.name} ({error}); copy it again, or {form.remedy}"
        ) from None
    if form.entry not in metadata:
        raise UnreadableFileError(
            f"{path} is a safetensors file, but not a gnl {noun}; pass a file written by {form.writer}"
        )
    return parse_header(path, metadata[form.entry], form, kind), tensors


def parse_header(path: Path, text: str, form: Format, kind: type[Record]) -> Record:
    """Parse the metadata of a file, and check its version first."""
    try:
        version = Version.model_validate_json(text).format_version
        if version != form.version:
            remedy = "update gnl" if version > form.version else form.remedy
            raise UnreadableFileError(
                f"{path} has format {quote(version)}, this version of gnl reads {form.version}; {remedy}"
            )
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise UnreadableFileError(
            f"{path} has a damaged header ({describe_finding(error)}); copy it again, or {form.remedy}"
        ) from None
