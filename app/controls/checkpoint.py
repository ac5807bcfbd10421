"""The choice of a method's checkpoint, and how a checkpoint is described."""

from __future__ import annotations

import time
from typing import Literal

import streamlit as st

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.controls.unavailable import check_asked
from gnl_core.names import DETECTOR_NAMES, name_of


def choose_checkpoint(detector: str, checkpoints: list[Checkpoint]) -> Checkpoint:
    """Choose one of a method's checkpoints; if there is only one, describe it instead of asking."""
    own = [checkpoint for checkpoint in checkpoints if checkpoint.config.detector == detector]
    if len(own) == 1:
        st.caption(describe_checkpoint(own[0]))
        check_run(detector, own[0], own)
        return own[0]
    return select_checkpoint(detector, own, label="collapsed")


def select_checkpoint(
    detector: str, own: list[Checkpoint], *, label: Literal["visible", "collapsed"] = "visible"
) -> Checkpoint:
    """Draw the select box of a method's checkpoints; its label can be hidden below the method's name."""
    options = {str(checkpoint.folder.path): checkpoint for checkpoint in own}
    chosen = st.selectbox(
        f"Checkpoint of {name_of(DETECTOR_NAMES, detector)}",
        list(options),
        format_func=lambda key: describe_checkpoint(options[key]),
        key=f"{keys.RUN}{detector}",
        bind="query-params",
        label_visibility=label,
    )
    check_run(detector, options[chosen], own)
    return options[chosen]


def check_run(detector: str, chosen: Checkpoint, own: list[Checkpoint]) -> None:
    """Note if the address asks for a checkpoint of a method that is not here."""
    label = f"Checkpoint of {name_of(DETECTOR_NAMES, detector)}"
    check_asked(f"{keys.RUN}{detector}", label, chosen, own, format_func=describe_checkpoint)


def describe_checkpoint(checkpoint: Checkpoint) -> str:
    """Describe a checkpoint in a few words."""
    config = checkpoint.config
    height, width = config.image_size
    size = f"{height} px" if height == width else f"{height}×{width} px"
    return f"{size}, seed {config.seed}, {'bundled' if checkpoint.bundled else written_at(checkpoint)}"


def written_at(checkpoint: Checkpoint) -> str:
    """Format the time when a run's weights were written, to the second, since an address names a run by it."""
    return time.strftime("%d %b %H:%M:%S", time.localtime(checkpoint.folder.weights.stat().st_mtime))
