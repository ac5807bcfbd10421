"""Images with annotation files of COCO."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gnl_core.datasets.accounting import SkippedFile
from gnl_core.datasets.base import Item
from gnl_core.datasets.coco import (
    Annotation,
    RunLengthCode,
    check_code,
    draw_annotations,
    has_area,
    read_annotations,
)
from gnl_core.datasets.images import image_size
from gnl_core.datasets.layout import image_item
from gnl_core.datasets.overview import count_noun
from gnl_core.datasets.sources.contents import (
    IN_DISTRIBUTION,
    Contents,
    find_named,
    index_images,
    is_normal,
    kind_of,
    list_files,
)
from gnl_core.datasets.sources.kinds import COCO, kind_of_file
from gnl_core.datasets.sources.splits import keep_splits, split_of
from gnl_core.files import UnreadableFileError
from gnl_core.messages import quote


class Labelled(NamedTuple):
    """An area or box on an image, and the name of its category."""

    annotation: Annotation
    category: str


class Found(NamedTuple):
    """What annotation files say of the images of a source.

    Attributes:
        labelled: The annotations of each listed image that is there.
        splits: The splits of the files that list it; None for a file of no split.
        missing: Paths of listed images that are not there.
    """

    labelled: dict[Path, list[Labelled]]
    splits: dict[Path, set[str | None]]
    missing: list[str]


def read_coco(source: Path, normal_labels: Collection[str]) -> Contents:
    """List the images that annotation files list, divided by their splits; an image without annotations is normal.

    Raises:
        ValueError: If an annotation file is damaged, or says another size than an image's, or as for `list_files`.
    """
    files = list_files(source)
    others = [path for path in files.labels if kind_of_file(path) != COCO]
    annotation_files = [path for path in files.labels if path not in set(others)]
    if not annotation_files:
        raise ValueError(f"no annotation file of COCO in {source}; expected a JSON file with images and annotations")
    found = find_annotated(annotation_files, files.images, source)
    items = {
        image: make_item(image, labelled, source, normal_labels) for image, labelled in sorted(found.labelled.items())
    }
    skipped = [
        *files.skipped,
        *(SkippedFile(path, "not an annotation file of COCO") for path in others),
        *(SkippedFile(path, "in no annotation file") for path in files.images if path not in found.labelled),
    ]
    contents = Contents(list(items.values()), [], IN_DISTRIBUTION, skipped, describe_missing(found.missing))
    return keep_splits(contents, items, found.splits)


def describe_missing(missing: Sequence[str]) -> list[str]:
    """Describe listed images that are not there, in a sentence; nothing if there are none."""
    if not missing:
        return []
    verb = "is" if len(missing) == 1 else "are"
    return [f"{count_noun(len(missing), 'listed image')} {verb} not there, the first: {quote(missing[0])}"]


def find_annotated(annotation_files: Sequence[Path], images: Sequence[Path], source: Path) -> Found:
    """Collect the annotations of each image over all annotation files.

    Raises:
        ValueError: If one is damaged, says another size than an image's, or could mean several images.
    """
    found = Found(defaultdict(list), defaultdict(set), [])
    for annotation_file in annotation_files:
        content = read_annotations(annotation_file)
        split = split_of(annotation_file.relative_to(source))
        indices = index_candidates(images, split, source)
        names = {category.id: category.name for category in content.categories}
        of_image = defaultdict(list)
        for annotation in content.annotations:
            of_image[annotation.image_id].append(Labelled(annotation, names[annotation.category_id]))
        for listed in content.images:
            image = find_listed(listed.file_name, indices, beside=annotation_file.parent)
            if image is None:
                found.missing.append(listed.file_name)
                continue
            check_sizes(image, (listed.height, listed.width), of_image[listed.id], annotation_file)
            found.labelled[image] += of_image[listed.id]
            found.splits[image].add(split)
    return found


def index_candidates(images: Sequence[Path], split: str | None, source: Path) -> list[dict[str, list[Path]]]:
    """Index the images that an annotation file can list by name: those in folders of its split first, then others.

    Images in folders of another split are left out, since files of several splits can have the same name.
    """
    if split is None:
        return [index_images(images, key=lambda path: path.name)]
    sides: dict[str | None, list[Path]] = defaultdict(list)
    for image in images:
        sides[split_of(image.parent.relative_to(source))].append(image)
    return [index_images(sides[side], key=lambda path: path.name) for side in (split, None)]


def find_listed(named: str, indices: Sequence[Mapping[str, Sequence[Path]]], *, beside: Path) -> Path | None:
    """Find the image that an annotation file names in the first index that has it; see `find_named`."""
    return next(filter(None, (find_named(named, by_name, beside=beside) for by_name in indices)), None)


def check_sizes(image: Path, size: tuple[int, int], labelled: Sequence[Labelled], annotation_file: Path) -> None:
    """Check that an image has the size that an annotation file says, and that its run-length codes fit.

    Args:
        image: The image.
        size: Height and width that the annotation file says.
        labelled: Its annotations.
        annotation_file: The file, for the message.
    """
    height, width = image_size(image)
    if size != (height, width):
        raise UnreadableFileError(
            f"{annotation_file} says that {image} has {size[1]}x{size[0]} pixels, but it has {width}x{height}; restore "
            "both files"
        )
    for code in (one.annotation.segmentation for one in labelled):
        if isinstance(code, RunLengthCode):
            try:
                check_code(code, height=height, width=width)
            except ValueError as error:
                raise UnreadableFileError(f"{annotation_file}, {image.name}: {error}") from None


def make_item(image: Path, labelled: Sequence[Labelled], source: Path, normal_labels: Collection[str]) -> Item:
    """Make an item of an image and its annotations."""
    defects = [one for one in labelled if not is_normal(one.category, normal_labels)]
    kind = kind_of((one.category for one in defects), normal_labels)
    item = image_item(image, base=source, label=int(bool(defects)), domain=IN_DISTRIBUTION, category=kind)
    areas = [one.annotation for one in defects if has_area(one.annotation)]
    if not areas:
        return item
    height, width = image_size(image)
    return item._replace(mask=partial(draw_annotations, areas, height=height, width=width))
