"""One training: its progress, buttons, losses and log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.display.downloads import chart_config
from app.display.unreadable import showing_unreadable
from app.server import trainings
from app.words import duration, plain
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, name_of
from gnl_core.plots.losses import loss_curves
from gnl_core.records import EpochRecord
from gnl_core.runs.folder import RunFolder, read_records

if TYPE_CHECKING:
    from gnl_core.jobs.listing import Job


REFRESH_SECONDS = 1.0


ACTIVE = ("running", "waiting")


RESUMABLE = ("stopped", "failed", "stale")


STATE_WORDS = {"diverged": "this run diverged"}  # states whose names need explaining


LOG_LINES = 12


PROBLEM = "job_problem"  # why the last action failed


def draw_job(job: Job) -> None:
    """Draw one training: its description, progress and buttons."""
    name = job.folder.path.name
    about, buttons = st.columns([5, 2], vertical_alignment="center")
    with about:
        if job.state == "running":
            st.progress(min(1.0, job.epochs_done / job.config.epochs), text=f"{describe(job)} · {describe_speed(job)}")
        else:
            st.markdown(f"{describe(job)}  \n:gray[:small[{plain(job.reason or name)}]]")
    with buttons.container(horizontal=True, horizontal_alignment="right"):
        if job.state in ACTIVE:
            st.button("Stop", key=f"stop_{name}", on_click=run_action, args=("stop", job.folder.path))
        if job.state in RESUMABLE:
            st.button("Resume", key=f"resume_{name}", on_click=run_action, args=("resume", job.folder.path))
        if job.state not in ACTIVE:
            with st.popover("Delete"):
                st.caption(f"Permanently deletes the checkpoint, scores and log of {plain(name)}.")
                st.button(
                    "Delete permanently", key=f"delete_{name}", on_click=run_action, args=("delete", job.folder.path)
                )


def describe(job: Job) -> str:
    """Describe the method, the data and the state of a training, in Markdown."""
    method, data = name_of(DETECTOR_NAMES, job.config.detector), name_of(DATASET_NAMES, job.config.dataset)
    task = f"{data} {job.config.normal_class}"
    state = f"waiting, {job.place} ahead in the queue" if job.place else STATE_WORDS.get(job.state, job.state)
    return f"**{plain(method)}** on {plain(task)}, seed {job.config.seed}: {plain(state)}"


def describe_speed(job: Job) -> str:
    """Describe the progress and the speed of a running training."""
    parts = [f"epoch {min(job.epochs_done + 1, job.config.epochs)} of {job.config.epochs}"]
    parts += [] if job.images_per_second is None else [f"{job.images_per_second:.0f} images/s"]
    parts += [] if job.seconds_left is None else [f"{duration(job.seconds_left)} left"]
    return " · ".join(parts)


def draw_details(folder: RunFolder) -> None:
    """Draw each loss over the epochs, and the end of the log."""
    from gnl_core.jobs.listing import read_job  # noqa: PLC0415 (as above)

    with showing_unreadable():
        draw_progress(read_job(folder), read_records(folder))
    with st.expander("Log"):
        st.code(read_end(folder.path), language=None)


def draw_progress(job: Job, records: list[EpochRecord]) -> None:
    """Draw the losses over the epochs; in the first epoch, those of the last batch."""
    if records and records[-1].losses:
        draw_losses(records, epochs=job.config.epochs)
    elif job.losses:
        losses = (f"{name} {'not finite' if value is None else f'{value:.4f}'}" for name, value in job.losses.items())
        st.caption(f"First epoch: {plain(', '.join(losses))}")


def draw_losses(records: list[EpochRecord], *, epochs: int) -> None:
    """Draw the losses so far."""
    terms = ", ".join(f"{name} {value:.4f}" for name, value in records[-1].losses.items())
    st.plotly_chart(
        loss_curves(records, epochs=epochs),
        key="losses",
        config=chart_config("losses"),
        alt=f"Losses after epoch {records[-1].epoch}: {terms}",
    )


def read_end(path: Path) -> str:
    """Read the end of a training's log; say so if it is empty or missing."""
    from gnl_core.jobs.listing import read_log  # noqa: PLC0415 (as above)

    try:
        return "\n".join(read_log(path, lines=LOG_LINES)) or "The log is empty."
    except ValueError as error:
        return str(error)


def run_action(action: str, path: Path) -> None:
    """Stop, resume or delete a training; keep the reason of a failure as one sentence for the page."""
    try:
        trainings.act_on(action, path)
    except (ValueError, OSError) as error:
        st.session_state[PROBLEM] = f"Could not {action} this training: {error}"
