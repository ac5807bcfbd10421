"""Sources of images in the layouts of other tools; each kind has its own file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gnl_core.datasets.listing import list_folders
from gnl_core.datasets.names import format_folders
from gnl_core.datasets.sources.contents import Contents, list_files
from gnl_core.datasets.sources.from_coco import read_coco
from gnl_core.datasets.sources.from_folders import is_labelled, read_folders
from gnl_core.datasets.sources.from_labelme import read_labelme
from gnl_core.datasets.sources.from_photographs import read_photographs
from gnl_core.datasets.sources.kinds import COCO, FOLDER, LABELME, PHOTOGRAPHS, kind_of_file
from gnl_core.files import UnreadableFileError

Read = Callable[[Path, Collection[str]], Contents]


class SourceKind(NamedTuple):
    """A kind of sources.

    Attributes:
        summary: What it is, after "a".
        read: Source and labels that mean normal to its contents.
    """

    summary: str
    read: Read


SOURCES: dict[str, SourceKind] = {
    COCO: SourceKind("COCO export", read_coco),
    LABELME: SourceKind("labelme export", read_labelme),
    FOLDER: SourceKind("folder with folders of labels", read_folders),
    PHOTOGRAPHS: SourceKind("folder of photographs without labels", read_photographs),
}


def read_source(source: Path, kind: str | None, normal_labels: Collection[str]) -> tuple[str, Contents]:
    """Read what a source contains, without decoding images.

    Args:
        source: The folder.
        kind: A key of SOURCES; None: recognised by content.
        normal_labels: Labels that mean normal, besides those of docs/datasets.md.

    Returns:
        The kind and the contents.

    Raises:
        ValueError: If it is not a folder, has no images, cannot be read, or is of several kinds.
    """
    if not source.is_dir():
        raise ValueError(f"no folder {source}; expected a folder of images")
    known = kind or recognise(source, normal_labels)
    contents = SOURCES[known].read(source, normal_labels)
    if not contents.images:
        raise ValueError(f"no images in {source}, read as a {SOURCES[known].summary}; check the path, or pass --from")
    return known, contents


def recognise(source: Path, normal_labels: Collection[str]) -> str:
    """Recognise the kind of a source: by its label files, or else by its folders.

    Raises:
        ValueError: If there are label files of several kinds, or several labelled folders.
    """
    kinds = set()
    for path in list_files(source).labels:
        with suppress(UnreadableFileError):  # of something else, or reported when it is read
            kinds.add(kind_of_file(path))
    labelled = kinds - {None}
    if len(labelled) > 1:
        raise ValueError(f"{source} has label files of labelme and of COCO; pass --from labelme or --from coco")
    if labelled:
        return str(labelled.pop())
    if is_labelled(source, normal_labels):
        return FOLDER
    if parts := [folder for folder in list_folders(source) if is_labelled(folder, normal_labels)]:
        raise ValueError(
            f"{source} has labelled folders of its own, {format_folders(parts)}; import one of them at a time, or pass "
            "--from photographs to take all images without labels"
        )
    return PHOTOGRAPHS
