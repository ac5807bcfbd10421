"""The lines of the page Follow: the images in a folder, or the example. Nothing here imports PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from app.checkpoints import Checkpoint
from app.sources import Source, fingerprint
from gnl_core.datasets.ordering import Order
from gnl_core.datasets.parts.line import CATEGORY
from gnl_core.files import real_path
from gnl_core.runs.followed import ScoredLine
from gnl_core.runs.line_scores import read_line

EXAMPLE_TASK = ("parts", CATEGORY)  # data set and normal class of the runs that can follow the example


class Line(NamedTuple):
    """Images in order of time.

    Attributes:
        folder: Their folder; None for the example, which is rendered.
        version: Changes with the folder's images.
        order: What decides the order.
    """

    folder: Path | None
    version: str
    order: Order

    @property
    def name(self) -> str:
        """The name of the folder, or of the example."""
        return "example-line" if self.folder is None else self.folder.name


EXAMPLE = Line(None, "", "name")


def line_in(folder: Path, order: Order) -> Line:
    """Return the line in a folder as it is now."""
    real = real_path(folder)
    return Line(real, fingerprint(real), order)


@st.cache_resource(show_spinner=False)
def kept_lines() -> dict[tuple[str, ...], ScoredLine]:
    """Return the lines scored so far, shared by all sessions."""
    return {}


def line_key(source: Source, line: Line) -> tuple[str, ...]:
    """Identify the scores of a line uniquely."""
    return source.sha256, str(source.data_root), source.version, *map(str, line)


def saved_example(checkpoint: Checkpoint) -> ScoredLine | None:
    """Return a run's saved scores of the example, or None.

    Raises:
        UnreadableFileError: If their file is damaged.
    """
    return read_line(checkpoint.folder, checkpoint.config, checkpoint.sha256)
