"""The scoring requests of a page about single images: each method's checkpoint, without and with matching."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.checkpoints import Checkpoint
from app.controls.checkpoint import select_checkpoint
from app.controls.view import View
from app.image_scoring import RequestPair
from app.scoring import make_request

SELECT_PX = 320  # width of a checkpoint's select box


def choose_requests(
    view: View, checkpoints: list[Checkpoint], *, strength: float, settings: dict[str, Any]
) -> tuple[list[RequestPair], list[str]]:
    """Choose checkpoints and build each method's requests; return them and the methods without a checkpoint."""
    by_detector = choose_checkpoints(view, checkpoints)
    rows = [
        RequestPair(
            off=make_request(checkpoint, style_weight=0.0, **settings),
            on=make_request(checkpoint, style_weight=strength, **settings) if checkpoint.has_references else None,
        )
        for checkpoint in by_detector.values()
        if checkpoint is not None
    ]
    return rows, [detector for detector, checkpoint in by_detector.items() if checkpoint is None]


def choose_checkpoints(view: View, checkpoints: list[Checkpoint]) -> dict[str, Checkpoint | None]:
    """Choose the checkpoint of each method; None if it has none. A choice is drawn only if there are several."""
    chosen: dict[str, Checkpoint | None] = {}
    with st.container(horizontal=True):
        for detector in view.detectors:
            own = [checkpoint for checkpoint in checkpoints if checkpoint.config.detector == detector]
            if len(own) > 1:
                with st.container(width=SELECT_PX):
                    chosen[detector] = select_checkpoint(detector, own)
            else:
                chosen[detector] = next(iter(own), None)
    return chosen
