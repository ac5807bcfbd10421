"""Settings that belong together: a demonstration of seconds, and the paper's for its four data sets."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.controls.training import SIZE_OF

PAPER: dict[str, Any] = {  # supplement, section 2.1: those of PACS and MVTec AD
    "train_detector": "gnl",
    "train_teacher": "resnet50",
    "train_size": 256,
    "train_epochs": 20,
    "train_batch_size": 16,
    "train_learning_rate": 0.005,
}
PRESETS: dict[str, dict[str, Any]] = {
    "Demonstration": {
        "data": "digits",
        "train_detector": "gnl",
        "train_teacher": "efficientnet_lite0",
        "train_size": 32,
        "train_epochs": 6,
        "train_keep_epochs": True,
    },
    "Paper, MNIST": PAPER | {"data": "mnist", "train_teacher": "resnet18", "train_size": 28, "train_epochs": 5},
    "Paper, MVTec AD": PAPER | {"data": "mvtec"},
    "Paper, PACS": PAPER | {"data": "pacs"},
    "Paper, CIFAR-10": PAPER | {"data": "cifar10", "train_size": 32},
}
PRESET = "train_preset"
HELP = (
    "Fills in the form below. The paper's settings take a ResNet, whose weights are downloaded once; the supplement "
    "names neither teacher nor size for CIFAR-10: here they are ResNet-50 and the images' own size."
)


def choose_preset() -> None:
    """A choice that fills in the form; to be drawn before the form's own widgets."""
    st.selectbox(
        "Preset",
        list(PRESETS),
        index=None,
        placeholder="your own choice",
        key=PRESET,
        on_change=apply_preset,
        help=HELP,
    )


def apply_preset() -> None:
    """Give the form's widgets the values of the preset that was chosen."""
    for key, value in PRESETS.get(st.session_state[PRESET], {}).items():
        st.session_state[key] = value
        if key == "data":
            st.session_state[SIZE_OF] = value
