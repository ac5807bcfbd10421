"""Photographs without labels, at any depth of a folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gnl_core.datasets.base import UNLABELLED
from gnl_core.datasets.layout import UNLABELLED_CATEGORY, image_item
from gnl_core.datasets.sources.contents import IN_DISTRIBUTION, Contents, leave_out_masks, list_files

NOTE = (
    "no labels: the images to train on are taken to be normal, so look through them, and there will be no AUROC; if "
    "folders are named after labels, pass --normal-label"
)


def read_photographs(source: Path, normal_labels: Collection[str]) -> Contents:
    """List all images below a folder as unlabelled.

    Raises:
        ValueError: As for `list_files`.
    """
    files = list_files(source)
    images, masks = leave_out_masks(files.images)
    items = [
        image_item(path, base=source, label=UNLABELLED, domain=IN_DISTRIBUTION, category=UNLABELLED_CATEGORY)
        for path in images
    ]
    return Contents(items, [], IN_DISTRIBUTION, [*files.skipped, *masks], [NOTE])
