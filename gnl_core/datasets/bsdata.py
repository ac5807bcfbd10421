"""BSData (Schlagenhauf and Landwehr, 2021): photographs of ball screws that wear out, with pitting outlined.

A screw of type 2 was photographed at fifteen places, about six times a day for twenty days, while it became soiled and
then pitted. A screw of type 1, on another machine, was photographed in other light. The photographs are cut into
squares. No place is on both sides of the split, since the photographs of a place are near copies of each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gnl_core.datasets.base import DatasetSpec, Image, Item, Mask, Publication, make_defects_spec
from gnl_core.datasets.images import image_size, read_image
from gnl_core.datasets.labelme import read_mask_of_polygons
from gnl_core.datasets.layout import require_folder, require_images, require_root
from gnl_core.datasets.names import NORMAL
from gnl_core.files import UnreadableFileError

CLASS = "ball_screw"
TYPE_2, WORN, TYPE_1 = "bsdata", "bsdata_worn", "bsdata_type_1"
PITTING = "pitting"
LAYOUT = "bsdata/data/*.jpg and bsdata/label/*.json under the data root"
FOLDERS = ("bsdata", "BSData", "BSData-main")
NAME_OF_TYPE_2 = re.compile(r"01_(?P<day>\d{6})\d{6}_(?P<place>\d+_\d+)_crop_\d+")  # day as yymmdd
NAME_OF_TYPE_1 = re.compile(r"KGT\d+-.*")
FIRST_PITTING = "200902"  # the day of the first outlined pitting; training photographs are older
FIRST_WORN = "200907"  # from this day on, most photographs show pitting, and many are taken from closer by
TEST_PLACES = ("305000_090", "397500_315", "462500_045", "517500_315", "597500_315")  # every third by name
LEAST_OVERLAP = 0.001  # of a square's area; a square with less pitting is neither normal nor anomalous
MARGIN = 0.1  # of a square's side; with pitting that close to it, a square is not normal


class Photograph(NamedTuple):
    """A photograph by its name.

    Attributes:
        file: The file.
        label: Its label file, which exists only if there is pitting.
        place: The place on the screw of type 2; None for type 1.
        day: The day as yymmdd; None for type 1.
    """

    file: Path
    label: Path
    place: str | None
    day: str | None

    @property
    def domain(self) -> str:
        """The domain of its squares."""
        if self.day is None:
            return TYPE_1
        return WORN if self.day >= FIRST_WORN else TYPE_2


class Square(NamedTuple):
    """A square of a photograph, of the photograph's height.

    Attributes:
        photograph: The photograph.
        position: Its number, counted from the left.
        left: Its left edge in pixels.
        side: Its side in pixels.
        pitting: Share of its area that is pitted, 0 to 1.
        near: Whether there is pitting in it or within its margin.
    """

    photograph: Photograph
    position: int
    left: int
    side: int
    pitting: float
    near: bool


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the squares of the training places on the days before the first pitting.

    Raises:
        ValueError: If files are missing or cannot be read.
    """
    photographs = [
        photograph
        for photograph in list_photographs(find_bsdata(root), root=require_root(root))
        if photograph.day is not None and photograph.day < FIRST_PITTING and photograph.place not in TEST_PLACES
    ]
    return list_squares(photographs, expected="photographs of type 2 from before September 2, 2020")


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the squares of a domain: of the test places of type 2, or of type 1.

    Raises:
        ValueError: If files are missing or cannot be read.
    """
    photographs = [
        photograph
        for photograph in list_photographs(find_bsdata(root), root=require_root(root))
        if photograph.domain == domain and photograph.place in (None, *TEST_PLACES)
    ]
    return list_squares(photographs, expected=f"photographs of the domain {domain}")


def find_bsdata(root: Path | None) -> Path:
    """Find the folder of the data set."""
    return require_folder(require_root(root), [f"{folder}/data" for folder in FOLDERS], expected=LAYOUT).parent


def list_photographs(folder: Path, *, root: Path) -> list[Photograph]:
    """List the photographs by their names; files with other names are left out."""
    photographs = (
        parse_name(path, folder / "label" / f"{path.stem}.json") for path in require_images(folder / "data", root=root)
    )
    return [photograph for photograph in photographs if photograph is not None]


def parse_name(path: Path, label: Path) -> Photograph | None:
    """Read type, place and day from a photograph's name; None for another name."""
    if match := NAME_OF_TYPE_2.fullmatch(path.stem):
        return Photograph(path, label, match["place"], match["day"])
    return Photograph(path, label, None, None) if NAME_OF_TYPE_1.fullmatch(path.stem) else None


def list_squares(photographs: Sequence[Photograph], *, expected: str) -> list[Item]:
    """List the normal and the anomalous squares of photographs.

    Raises:
        ValueError: If there is no photograph, or a file cannot be read.
    """
    if not photographs:
        raise ValueError(f"no {expected} in bsdata/data; expected {LAYOUT}")
    squares = (square for photograph in photographs for square in cut(photograph))
    return [make_item(square) for square in squares if is_clear(square)]


def cut(photograph: Photograph) -> Iterator[Square]:
    """Cut a photograph into as many squares of its height as fit, spread evenly over its width."""
    side, width = image_size(photograph.file)
    pitted = read_pitting(photograph)
    margin = round(MARGIN * side)
    for position in range(width // side):
        left = round(position * (width - side) / max(1, width // side - 1))
        within = 0.0 if pitted is None else float(pitted[:, left : left + side].mean())
        around = pitted is not None and bool(pitted[:, max(0, left - margin) : left + side + margin].any())
        yield Square(photograph, position, left, side, within, around)


def is_clear(square: Square) -> bool:
    """Return whether a square is normal beyond its margin, or has enough pitting to be anomalous."""
    return square.pitting >= LEAST_OVERLAP or not square.near


def read_pitting(photograph: Photograph) -> Mask | None:
    """Read the pitting outlined on a photograph, shape (H, W) of the photograph; None where there is none.

    Raises:
        ValueError: If the outlines were drawn on an image of another size, or cannot be read.
    """
    if not photograph.label.exists():
        return None
    mask = read_mask_of_polygons(photograph.label)
    if mask.shape != image_size(photograph.file):
        height, width = image_size(photograph.file)
        raise UnreadableFileError(
            f"{photograph.label} outlines pitting on {mask.shape[1]}x{mask.shape[0]} pixels, but {photograph.file} has "
            f"{width}x{height}; restore both files"
        )
    return mask


def make_item(square: Square) -> Item:
    """Make an item of a square."""
    photograph, anomalous = square.photograph, square.pitting >= LEAST_OVERLAP
    return Item(
        path=f"bsdata/{photograph.file.stem}/{square.position}",
        read=partial(read_square, square),
        label=int(anomalous),
        domain=photograph.domain,
        category=PITTING if anomalous else NORMAL,
        mask=partial(read_square_mask, square) if anomalous else None,
        file=photograph.file,
    )


def read_square(square: Square) -> Image:
    """Decode a square of a photograph."""
    return np.ascontiguousarray(read_image(square.photograph.file)[:, square.left : square.left + square.side])


def read_square_mask(square: Square) -> Mask:
    """Decode the pitting in a square."""
    mask = read_pitting(square.photograph)
    assert mask is not None  # only squares with pitting have a mask
    return np.ascontiguousarray(mask[:, square.left : square.left + square.side])


def list_labels(root: Path) -> tuple[Path, ...]:
    """List the label files."""
    return tuple(sorted((find_bsdata(root) / "label").glob("*.json")))


SPEC = make_defects_spec(
    Publication("BSData", "CC BY-SA 4.0", "github.com/2Obe/BSData"),
    summary="Squares of photographs of ball screws: soiled, then pitted, and on another machine",
    place="bsdata/data and bsdata/label",
    classes=(CLASS,),
    domains=(TYPE_2, WORN, TYPE_1),
    folders=tuple(f"{folder}/data" for folder in FOLDERS),
    train_items=train_items,
    test_items=test_items,
)
BSDATA: DatasetSpec = SPEC._replace(
    lists=list_labels,
    how_to_get=f"{SPEC.how_to_get} The command gnl data download bsdata does both.",
)
