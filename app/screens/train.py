"""Train: trainings as processes of their own, which live on when the page is closed or the server starts again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.cache import list_checkpoints, runs_root
from app.screens.explore_data import choose_data
from app.screens.train_jobs import jobs
from app.screens.training_form import Task, run_name, training_form
from gnl_core.config import parse_config


def page() -> None:
    """The form on the left, all trainings on the right."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        settings = ask()
    with right:
        if settings is not None:
            start(settings)
        jobs()


def ask() -> dict[str, Any] | None:
    """What to train on and how; nothing until the button is pressed."""
    everything, _ = list_checkpoints()
    row, below = st.columns(2), st.container()
    dataset, data = choose_data(everything, places=row, below=below)
    if data is None:
        return None
    _, settings = training_form(Task(dataset, data.normal_class, data.root), everything)
    return settings


def start(settings: dict[str, Any]) -> None:
    """Start a training beside the app; it waits until those before it have ended."""
    from gnl_core.runs import jobs as processes  # noqa: PLC0415 (PyTorch takes seconds to import)

    try:
        config = parse_config(settings)
        processes.start(config, runs_root() / run_name(config))
    except (ValueError, OSError) as error:
        st.error(f"The training was not started: {error}")
