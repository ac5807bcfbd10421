"""Say how the user's own images are read."""

from __future__ import annotations

from pathlib import Path

from gnl_core.cli.console import say
from gnl_core.config.data import USUAL_SPLIT, Split
from gnl_core.datasets import OWN, default_root
from gnl_core.datasets.reading import format_reading


def say_reading(dataset: str, root: Path | None, *, split: Split = USUAL_SPLIT) -> None:
    """Print how the user's own images are read; nothing for other data sets.

    Args:
        dataset: Name of the data set.
        root: The folder. Unset: $GNL_DATA.
        split: How it is divided, if it has no training folder.

    Raises:
        ValueError: If the folder cannot be used.
    """
    for line in format_reading(root or default_root(), split, dataset=dataset) if dataset in OWN else ():
        say(line)
