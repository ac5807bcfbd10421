"""Labelled folders: the layouts of the data set "folder", and those of anomalib's Folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from gnl_core.config.data import USUAL_SPLIT
from gnl_core.datasets.accounting import find_skipped_files
from gnl_core.datasets.base import Item
from gnl_core.datasets.folder import (
    DIVIDED_PLACES,
    PLAIN_DOMAIN,
    find_layout,
    find_masks,
    find_test,
    list_test,
    list_train,
)
from gnl_core.datasets.layout import Kind, add_masks, find_below, image_item, match_masks, refuse_masks
from gnl_core.datasets.listing import list_folders
from gnl_core.datasets.names import NORMAL, find_only, format_accepted, format_folders, is_named, plain_name
from gnl_core.datasets.sources.contents import IN_DISTRIBUTION, Contents, is_normal, list_files

TEST = "test"  # before or after the name of a folder of normal images to score, as in normal_test


def is_labelled(source: Path, normal_labels: Collection[str]) -> bool:
    """Return whether a folder has folders of normal images, or folders for training and test."""
    return has_parts(source) or any(place_kinds(place, normal_labels) for place in list_places(source))


def has_parts(source: Path) -> bool:
    """Return whether a folder has folders for training and test."""
    return find_only(source, "training") is not None and find_test(source) is not None


def list_places(source: Path) -> list[Path]:
    """List the existing folders that may contain the folders of labels."""
    return [place for place in (find_below(source, name) for name in DIVIDED_PLACES) if place]


def read_folders(source: Path, normal_labels: Collection[str]) -> Contents:
    """List the images of labelled folders with their masks.

    Raises:
        ValueError: If the layout is unknown, masks and images do not match, or as for `list_files`.
    """
    contents = read_parts(source) if has_parts(source) else read_kinds(source, normal_labels)
    items = [*contents.images, *contents.training]
    return contents._replace(skipped=find_skipped_files(items))


def read_parts(source: Path) -> Contents:
    """List the images of folders for training and test; a single domain is named IN_DISTRIBUTION."""
    domains = list(find_layout(source).domains)
    names = domains if len(domains) > 1 else [IN_DISTRIBUTION]
    training = list_train(source, USUAL_SPLIT, None, NORMAL)
    images = [
        item._replace(domain=name)
        for domain, name in zip(domains, names, strict=True)
        for item in list_test(source, USUAL_SPLIT, None, NORMAL, domain)
    ]
    return Contents(images, [item._replace(domain=names[0]) for item in training], names[0], [], [])


def read_kinds(source: Path, normal_labels: Collection[str]) -> Contents:
    """List the images of folders next to each other, one per label, at any depth in each.

    Images in a folder such as normal_test are to score, and those in the other normal folders to train on.

    Raises:
        ValueError: If none of the folders is normal, or masks and images do not match.
    """
    place = next((place for place in list_places(source) if place_kinds(place, normal_labels)), None)
    if place is None:
        raise ValueError(
            f"no folder of normal images in {source}, which has {format_folders(list_folders(source))}; expected one "
            f"called {format_accepted('normal')}; name yours with --normal-label, or pass --from photographs for "
            "images without labels"
        )
    kinds = place_kinds(place, normal_labels)
    images = {kind: refuse_masks(list_files(kind.folder).images) for kind in kinds}
    masks = find_masks(source, place, [PLAIN_DOMAIN])[PLAIN_DOMAIN]
    matches = {} if masks is None else match_masks(images, masks, root=source)
    items = {kind: [make_item(path, kind, source, matches) for path in paths] for kind, paths in images.items()}
    to_score = [kind for kind in kinds if kind.label or is_for_test(kind.folder, normal_labels)]
    training = [kind for kind in kinds if kind not in to_score]
    if all(kind.label for kind in to_score) or not training:
        return Contents(flatten(items, kinds), [], IN_DISTRIBUTION, [], [])
    return Contents(flatten(items, to_score), flatten(items, training), IN_DISTRIBUTION, [], [])


def flatten(items: Mapping[Kind, Sequence[Item]], kinds: Sequence[Kind]) -> list[Item]:
    """Return the items of several kinds."""
    return [item for kind in kinds for item in items[kind]]


def place_kinds(place: Path, normal_labels: Collection[str]) -> list[Kind]:
    """List the folders of labels in a folder: normal by their names, all others but masks as defects.

    Returns:
        The folders; none if none of them is normal.
    """
    folders = [path for path in list_folders(place) if not is_named(path, "masks")]
    normal = [path for path in folders if is_normal_folder(path, normal_labels)]
    return [Kind(path, int(path not in normal)) for path in folders] if normal else []


def is_normal_folder(folder: Path, normal_labels: Collection[str]) -> bool:
    """Return whether a folder has normal images by its name, also in test folders such as normal_test."""
    return is_normal(folder.name, normal_labels) or is_for_test(folder, normal_labels)


def is_for_test(folder: Path, normal_labels: Collection[str]) -> bool:
    """Return whether a folder has normal images to score by its name, such as normal_test or test_good."""
    name = plain_name(folder.name)
    labels = (name.removesuffix(f"_{TEST}"), name.removeprefix(f"{TEST}_"))
    return any(label != name and is_normal(label, normal_labels) for label in labels)


def make_item(path: Path, kind: Kind, source: Path, masks: Mapping[Path, Path]) -> Item:
    """Make an item of an image in a folder of a label."""
    item = image_item(path, base=source, label=kind.label, domain=IN_DISTRIBUTION, category=kind.category)
    mask = masks.get(path)
    return add_masks(item, [mask]) if mask else item
