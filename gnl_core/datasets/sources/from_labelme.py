"""Images with label files of labelme, beside them or in another folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gnl_core.datasets.accounting import SkippedFile
from gnl_core.datasets.base import Item
from gnl_core.datasets.images import image_size
from gnl_core.datasets.labelme import Labels, draw_shapes, encloses_area, read_labels
from gnl_core.datasets.layout import image_item
from gnl_core.datasets.sources.contents import (
    IN_DISTRIBUTION,
    Contents,
    find_named,
    index_images,
    is_normal,
    kind_of,
    leave_out_masks,
    list_files,
)
from gnl_core.datasets.sources.kinds import LABELME, kind_of_file
from gnl_core.files import UnreadableFileError


class LabelFile(NamedTuple):
    """A label file and what is read of it."""

    path: Path
    labels: Labels


def read_labelme(source: Path, normal_labels: Collection[str]) -> Contents:
    """List images with their label files; an image without one, or without shapes in it, is normal.

    Raises:
        ValueError: If a label file is damaged, of an image of another size, or one of two for the same image, or as
            for `list_files`.
    """
    files = list_files(source)
    images, masks = leave_out_masks(files.images)
    others = [path for path in files.labels if kind_of_file(path) != LABELME]
    label_files = [LabelFile(path, read_labels(path)) for path in files.labels if path not in set(others)]
    labelled, orphans = match_label_files(label_files, images)
    items = [make_item(image, labelled.get(image), source, normal_labels) for image in images]
    skipped = [
        *files.skipped,
        *masks,
        *(SkippedFile(path, "not a label file of labelme") for path in others),
        *(SkippedFile(path, "label file without an image") for path in orphans),
    ]
    return Contents(items, [], IN_DISTRIBUTION, skipped, [])


def match_label_files(
    label_files: Sequence[LabelFile], images: Sequence[Path]
) -> tuple[dict[Path, LabelFile], list[Path]]:
    """Map images to their label files; also return the label files without an image.

    Raises:
        ValueError: If an image has two label files, or a label file could be of several images.
    """
    by_name, by_stem = (
        index_images(images, key=lambda path: path.name),
        index_images(images, key=lambda path: path.stem),
    )
    labelled: dict[Path, LabelFile] = {}
    orphans = []
    for label_file in label_files:
        image = find_image(label_file, by_name, by_stem)
        if image is None:
            orphans.append(label_file.path)
        elif image in labelled:
            raise ValueError(
                f"{image} has two label files, {labelled[image].path} and {label_file.path}; remove one of them"
            )
        else:
            labelled[image] = label_file
    return labelled, orphans


def find_image(
    label_file: LabelFile, by_name: Mapping[str, Sequence[Path]], by_stem: Mapping[str, Sequence[Path]]
) -> Path | None:
    """Find the image of a label file by the path in it, or else the only one that has its own name."""
    named = find_named(label_file.labels.imagePath, by_name, beside=label_file.path.parent)
    same_stem = by_stem.get(label_file.path.stem, ())
    return named or (same_stem[0] if len(same_stem) == 1 else None)


def make_item(image: Path, label_file: LabelFile | None, source: Path, normal_labels: Collection[str]) -> Item:
    """Make an item of an image and its label file.

    Raises:
        ValueError: If the label file is of an image of another size, or the image cannot be read.
    """
    if label_file is None:
        return image_item(image, base=source, label=0, domain=IN_DISTRIBUTION, category=kind_of([], normal_labels))
    check_size(image, label_file)
    labels = label_file.labels
    defects = [shape for shape in labels.shapes if not is_normal(shape.label, normal_labels)]
    kind = kind_of((shape.label for shape in defects), normal_labels)
    item = image_item(image, base=source, label=int(bool(defects)), domain=IN_DISTRIBUTION, category=kind)
    areas = [shape for shape in defects if encloses_area(shape)]
    draw = partial(draw_shapes, areas, height=labels.imageHeight, width=labels.imageWidth)
    return item._replace(mask=draw if areas else None)


def check_size(image: Path, label_file: LabelFile) -> None:
    """Check that a label file is of an image of the same size."""
    height, width = image_size(image)
    labels = label_file.labels
    if (labels.imageHeight, labels.imageWidth) != (height, width):
        raise UnreadableFileError(
            f"{label_file.path} is of an image of {labels.imageWidth}x{labels.imageHeight} pixels, but {image} has "
            f"{width}x{height}; restore both files"
        )
