"""Put image files in order of time: by name, by a date in the name or the photograph, or by when they were written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import PIL.ExifTags

from gnl_core.datasets.images import opened

Order = Literal["name", "date", "modified"]

DIGITS = re.compile(r"(\d+)")
DATE_FORMATS = {  # by number of digits; the first that fits all names of that length
    8: ("%Y%m%d",),
    10: ("%Y%m%d%H", "%y%m%d%H%M"),
    12: ("%Y%m%d%H%M", "%y%m%d%H%M%S"),
    14: ("%Y%m%d%H%M%S",),
}
EARLIEST_YEAR, LATEST_YEAR = 1990, 2099  # of a date in a name; other digits are a number of another kind
EXIF_FORMAT = "%Y:%m:%d %H:%M:%S"


def order_files(paths: Sequence[Path], order: Order) -> list[Path]:
    """Put image files in order of time; files of the same time are in the order of their names.

    Args:
        paths: The files.
        order: "name" is the natural order, in which 2 comes before 10; "date" is the date in each name or else in the
            photograph (EXIF); "modified" is when each file was last written.

    Raises:
        ValueError: If a file has no date, or cannot be read for one.
    """
    named = sorted(paths, key=natural_key)
    return named if order == "name" else sorted(named, key=times_of(named, order).__getitem__)


def times_of(paths: Sequence[Path], order: Literal["date", "modified"]) -> dict[Path, datetime]:
    """Find the time of each file; arguments and errors as for `order_files`."""
    if order == "modified":
        return {path: datetime.fromtimestamp(path.stat().st_mtime) for path in paths}
    dates = dates_in_names(paths)
    return {path: dates.get(path) or photograph_date(path) for path in paths}


def natural_key(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return a key that compares runs of digits by their value, and the other parts of a name as text."""
    pieces = DIGITS.split(path.stem)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces], path.name


def dates_in_names(paths: Sequence[Path]) -> dict[Path, datetime]:
    """Read the dates in the names of files that have one: the first run of 8, 10, 12 or 14 digits that is a date.

    `200828110014` could be 28 August 2020 at 11:00:14 or, as a year of four digits, no date at all. Each number of
    digits is therefore read in one way for all names: in the first format that gives most of them a date.
    """
    runs: dict[int, dict[Path, list[str]]] = defaultdict(dict)
    for path in paths:
        for run in DIGITS.findall(path.stem):
            if len(run) in DATE_FORMATS:
                runs[len(run)].setdefault(path, []).append(run)
    dates: dict[Path, datetime] = {}
    for length in sorted(runs):  # a longer run, read later, is the more precise date
        readings = [parse_runs(runs[length], form) for form in DATE_FORMATS[length]]
        fullest: dict[Path, datetime] = max(readings, key=len)
        dates |= fullest
    return dates


def parse_runs(runs: dict[Path, list[str]], form: str) -> dict[Path, datetime]:
    """Parse the first run of each name that is a date in a format; names without one are left out."""
    parsed = {
        path: next(filter(None, (parse_date(text, form) for text in texts)), None) for path, texts in runs.items()
    }
    return {path: date for path, date in parsed.items() if date}


def parse_date(text: str, form: str) -> datetime | None:
    """Parse digits as a date in a format; None if they are none."""
    try:
        date = datetime.strptime(text, form)
    except ValueError:
        return None
    return date if EARLIEST_YEAR <= date.year <= LATEST_YEAR else None


def photograph_date(path: Path) -> datetime:
    """Read when a photograph was taken, from its EXIF.

    Raises:
        ValueError: If it does not say, or the file cannot be read.
    """
    with opened(path) as picture:
        taken = picture.getexif().get_ifd(PIL.ExifTags.IFD.Exif).get(PIL.ExifTags.Base.DateTimeOriginal)
    try:
        return datetime.strptime(str(taken).rstrip("\0 "), EXIF_FORMAT)
    except ValueError:
        raise ValueError(
            f"{path} has no date, neither in its name, such as 20200828 or 200828110014, nor as EXIF DateTimeOriginal; "
            "add one, or use --order name or --order modified"
        ) from None
