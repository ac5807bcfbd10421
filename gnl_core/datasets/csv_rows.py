"""Rows of CSV files, checked against a record, and the images that they name; an error gives the row's number."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo

from gnl_core.datasets.listing import SUFFIXES, check_inside, check_name
from gnl_core.files import UnreadableFileError, Version, read_text, version_of
from gnl_core.files.records import SavedRecord, describe_finding
from gnl_core.messages import quote

DELIMITERS = (",", ";", "\t")  # spreadsheets write the second where the comma separates decimals
BYTE_ORDER_MARK = "\ufeff"
HEADER_ROW = 1
KEPT = 2  # files
SHOWN_COLUMNS = 8  # in a message

Cells = TypeVar("Cells", bound=SavedRecord)


class Line(NamedTuple):
    """A row that is not empty.

    Attributes:
        number: Its number as a spreadsheet counts, the header being row 1.
        cells: Its cells.
    """

    number: int
    cells: list[str]


def read_rows(path: Path, kind: type[Cells]) -> Mapping[int, Cells]:
    """Read a CSV file with a header, whose names may be in any order and case; other columns are left out.

    Args:
        path: The file: UTF-8, separated by commas, semicolons or tabs.
        kind: The record of a row, whose fields are text; those with a default are columns that may be missing, and
            those with a choice of aliases have one of these names.

    Returns:
        The rows by their number as a spreadsheet counts, the header being row 1; empty rows are left out.

    Raises:
        FileNotFoundError: If there is no file.
        UnreadableFileError: If it cannot be read, lacks a column, or a row does not fit the record.
    """
    return read_version(path, kind, version_of(path))


@lru_cache(maxsize=KEPT)
def read_version(path: Path, kind: type[Cells], version: Version | None) -> Mapping[int, Cells]:
    """Read a version of a file; several functions ask for the same in turn."""
    lines = split_rows(read_text(path).removeprefix(BYTE_ORDER_MARK), path)
    header = next(lines, Line(HEADER_ROW, [])).cells
    columns = [name.strip().casefold() for name in header]
    check_columns(columns, kind, path)
    return MappingProxyType({line.number: make_row(line, columns, kind, path) for line in lines})


def split_rows(text: str, path: Path) -> Iterator[Line]:
    """Split a file into rows and cells, leaving out empty rows."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=find_delimiter(text), strict=True)
    try:
        for number, cells in enumerate(rows, start=HEADER_ROW):
            if any(cell.strip() for cell in cells):
                yield Line(number, cells)
    except csv.Error as error:
        raise UnreadableFileError(f"line {rows.line_num} of {path} is no CSV: {error}; correct it") from None


def find_delimiter(text: str) -> str:
    """Find what separates the names in the header: of the possible characters, the most frequent one."""
    header = text.partition("\n")[0]
    return max(DELIMITERS, key=header.count)


def check_columns(columns: list[str], kind: type[SavedRecord], path: Path) -> None:
    """Check that the header has each required column, and none of the record's twice."""
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    accepted = {name: accepted_names(name, field) for name, field in kind.model_fields.items()}
    if missing := [name for name in needed if not accepted[name] & set(columns)]:
        found = ", ".join(map(quote, columns[:SHOWN_COLUMNS])) or "none"
        raise UnreadableFileError(
            f"{path} has no column {missing[0]!r} but {found}; expected a first row with {', '.join(needed)}"
        )
    if twice := sorted(name for names in accepted.values() for name in names if columns.count(name) > 1):
        raise UnreadableFileError(f"{path} has two columns {twice[0]!r}; remove one of them")


def accepted_names(name: str, field: FieldInfo) -> set[str]:
    """Return the names that the column of a field can have."""
    choices = field.validation_alias
    return {str(choice) for choice in choices.choices} if isinstance(choices, AliasChoices) else {name}


def make_row(line: Line, columns: list[str], kind: type[Cells], path: Path) -> Cells:
    """Check a row's cells against the record; missing ones at its end are empty."""
    if len(line.cells) > len(columns):
        raise UnreadableFileError(
            f"row {line.number} of {path} has {len(line.cells)} cells, but the first row has {len(columns)}; correct it"
        )
    filled = [cell.strip() for cell in line.cells] + [""] * (len(columns) - len(line.cells))
    try:
        return kind.model_validate(dict(zip(columns, filled, strict=True)))
    except ValidationError as error:
        raise UnreadableFileError(
            f"row {line.number} of {path} cannot be read: {describe_finding(error)}; correct it"
        ) from None


def find_named_image(text: str, folder: Path, *, place: str) -> Path:
    """Find the image file that a cell names.

    Args:
        text: Its path below the folder, with slashes or backslashes; or its absolute path.
        folder: The folder.
        place: The row and its file, for the message.

    Raises:
        ValueError: If the path leads out of the folder, or is not that of an image file.
    """
    named, root = PurePosixPath(text.replace("\\", "/")), folder.absolute().as_posix()
    if named.is_relative_to(root):
        named = named.relative_to(root)
    if named.is_absolute() or ".." in named.parts or ":" in "".join(named.parts[:1]):
        raise ValueError(f"{place} names {quote(text)}; expected a path below {folder}, such as images/001.png")
    path = folder / named
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{place} names {quote(text)}; expected a PNG, JPEG, BMP, TIFF or WebP file by its ending")
    if not path.is_file():
        raise ValueError(f"{place} names {quote(text)}, but there is no file {path}; add the file, or remove the row")
    check_name(path)
    return path


def check_links(files: Collection[Path], *, root: Path) -> None:
    """Check that symlinks do not lead any of the files out of the root; raise ValueError if one does."""
    for folder in {file.parent for file in files}:
        check_inside(root, folder)
    for file in files:
        if file.is_symlink():
            check_inside(root, file)
