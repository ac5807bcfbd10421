"""Train: trainings as separate processes, which continue when the page is closed or the server restarts."""

from __future__ import annotations

import streamlit as st

from app.checkpoints import list_checkpoints
from app.controls.data import choose_data
from app.controls.training import TrainingTask, start_training, training_form
from app.screens.train.imports import import_form
from app.screens.train.jobs import jobs
from app.screens.train.presets import choose_preset
from app.server import rules


def page() -> None:
    """Draw the form on the left, all trainings on the right; on a read-only server, say that it is."""
    if not rules.may_change_runs():
        st.info(rules.READ_ONLY)
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        draw_form()
    with right:
        jobs()


def draw_form() -> None:
    """Draw the training form and the import form."""
    choose_preset()
    everything, _ = list_checkpoints()
    row, below = st.columns(2), st.container()
    dataset, data = choose_data(everything, places=row, below=below)
    if data is None:
        return
    task = TrainingTask(dataset, data.normal_class, data.root)
    _, settings = training_form(task, everything)
    if settings is not None:
        start_training(settings)
    import_form(task)
