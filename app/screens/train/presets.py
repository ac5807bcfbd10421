"""Presets: a demonstration that trains in seconds, and the paper's settings for its four data sets."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import query_keys as keys
from app.controls.training import SIZE_OF

PAPER: dict[str, Any] = {  # supplement, section 2.1: settings for PACS and MVTec AD
    "train_detector": "gnl",
    "train_teacher": "resnet50",
    "train_size": 256,
    "train_epochs": 20,
    "train_batch_size": 16,
    "train_learning_rate": 0.005,
}
PRESETS: dict[str, dict[str, Any]] = {
    "Demonstration": {
        keys.DATA: "digits",
        "train_detector": "gnl",
        "train_teacher": "efficientnet_lite0",
        "train_size": 32,
        "train_epochs": 6,
        "train_keep_epochs": True,
    },
    "Paper, MNIST": PAPER | {keys.DATA: "mnist", "train_teacher": "resnet18", "train_size": 28, "train_epochs": 5},
    "Paper, MVTec AD": PAPER | {keys.DATA: "mvtec"},
    "Paper, PACS": PAPER | {keys.DATA: "pacs"},
    "Paper, CIFAR-10": PAPER | {keys.DATA: "cifar10", "train_size": 32},
}
PRESET = "train_preset"
HELP = (
    "Fills in the form below. The paper's settings use a ResNet, whose weights are downloaded once. The supplement "
    "gives neither teacher nor size for CIFAR-10; the preset uses ResNet-50 and the images' native size."
)


def choose_preset() -> None:
    """Draw the choice of a preset; call this before drawing the form's widgets."""
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
    """Set the form's widgets to the values of the chosen preset."""
    for key, value in PRESETS.get(st.session_state[PRESET], {}).items():
        st.session_state[key] = value
        if key == keys.DATA:
            st.session_state[SIZE_OF] = value
