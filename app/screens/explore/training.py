"""Training from Explore: a separate process with its losses; the finished run is then shown above."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from app import query_keys as keys
from app.checkpoints import Checkpoint, runs_root
from app.controls.training import TrainingTask, start_training, training_form
from app.controls.view import View, checkpoints_of
from app.display.jobs import REFRESH_SECONDS, draw_details, draw_job, draw_losses
from app.display.unreadable import showing_unreadable
from app.server import rules
from app.words import plain
from gnl_core.jobs.status import is_alive
from gnl_core.runs.folder import RunFolder, read_config, read_records

JUST_TRAINED = "just_trained"
WATCHED = "watched_training"  # name of the run started by this visitor, until it ends


def training(view: View, checkpoints: list[Checkpoint], everything: list[Checkpoint]) -> None:
    """Draw the form and the training it starts; until then, the losses of the method's first checkpoint.

    On a read-only server, say that it is.

    Args:
        view: The view to train for.
        checkpoints: The runs trained for this view.
        everything: All runs, used to estimate the duration.
    """
    st.divider()
    if not rules.may_change_runs():
        st.info(rules.READ_ONLY)
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        detector, settings = training_form(TrainingTask(view.dataset, view.normal_class, view.root), everything)
        started = None if settings is None else start_training(settings)
    watched = started or find_training(view)
    if started is not None:
        st.session_state[WATCHED] = started.path.name
    with right:
        if watched is not None:
            st.fragment(watch, run_every=REFRESH_SECONDS)(watched)
        else:
            with showing_unreadable():
                show_past_losses([c for c in checkpoints if c.config.detector == detector])


def find_training(view: View) -> RunFolder | None:
    """Find the view's training: the one this visitor started, else one that is active."""
    mine = st.session_state.get(WATCHED)
    folders = [RunFolder(file.parent) for file in sorted(runs_root().glob("*/config.json"))]
    shown = [folder for folder in folders if folder.path.name == mine or is_alive(folder)]
    of_view = [folder for folder in shown if is_of(folder, view)]
    return min(of_view, key=lambda folder: folder.path.name != mine, default=None)


def is_of(folder: RunFolder, view: View) -> bool:
    """Return whether a run is trained for the view."""
    try:
        run = Checkpoint(folder, read_config(folder), version=None)
    except ValueError:
        return False
    return bool(checkpoints_of(view, [run]))


def watch(folder: RunFolder) -> None:
    """Draw an active training; when it finishes, choose its run and redraw the whole page."""
    from gnl_core.jobs.listing import read_job  # noqa: PLC0415 (PyTorch takes seconds to import)

    with showing_unreadable():
        job = read_job(folder)
        if job.state == "finished":
            show_trained(folder, job.config.detector)
        draw_job(job)
        draw_details(folder)


def show_trained(folder: RunFolder, detector: str) -> NoReturn:
    """Redraw the page; if this visitor started the training, with its run chosen."""
    if st.session_state.get(WATCHED) == folder.path.name:
        del st.session_state[WATCHED]
        st.session_state[JUST_TRAINED] = (detector, str(folder.path))
    st.rerun()


def choose_trained() -> None:
    """Choose the run that was just trained; call this before drawing the choices."""
    detector, path = st.session_state.pop(JUST_TRAINED, (None, None))
    if detector is not None:
        st.session_state[f"{keys.RUN}{detector}"] = path
        st.session_state[keys.METHODS] = list({*st.session_state.get(keys.METHODS, ()), detector})


def show_past_losses(checkpoints: list[Checkpoint]) -> None:
    """Draw the losses of the first checkpoint that has any."""
    for folder, config, _ in checkpoints:
        records = read_records(folder)
        if records and records[-1].losses:
            st.caption(f"Losses of {plain(folder.path.name)}")
            draw_losses(records, epochs=config.epochs)
            return
