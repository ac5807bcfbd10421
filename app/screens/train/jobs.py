"""The trainings on the page Train: progress and actions."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from app.checkpoints import runs_root
from app.display.downloads import offer_command, offer_file
from app.display.jobs import ACTIVE, PROBLEM, REFRESH_SECONDS, draw_details, draw_job
from app.display.provenance import shown_path
from app.display.unreadable import showing_unreadable
from app.screens.train.epochs import early_look
from app.words import plain
from gnl_core.files import WEIGHTS_BYTES, read_bytes

if TYPE_CHECKING:
    from gnl_core.jobs.listing import Job


def jobs() -> None:
    """Draw all trainings and the details of one, refreshed every second while any is active."""
    from gnl_core.jobs.listing import list_jobs_and_problems  # noqa: PLC0415 (PyTorch takes seconds to import)

    listed, unreadable = list_jobs_and_problems(runs_root())
    for reason in unreadable:
        st.warning(f"A run was left out: {plain(reason)}")
    problem = st.session_state.pop(PROBLEM, None)
    if problem:
        st.error(plain(problem))
    if not listed:
        st.info("No trainings yet. A training that you start on the left continues even when you close this page.")
        return
    every = REFRESH_SECONDS if any(job.state in ACTIVE for job in listed) else None
    st.fragment(draw_jobs, run_every=every)(outline(listed))
    names = [job.folder.path.name for job in listed]
    chosen = listed[names.index(st.selectbox("Show in detail", names, key="job", bind="query-params"))]
    st.fragment(draw_details, run_every=every)(chosen.folder)
    offer_downloads(chosen)
    with showing_unreadable():
        early_look(chosen.folder, chosen.config)


def outline(listed: list[Job]) -> list[tuple[str, bool]]:
    """List the trainings and whether each is active, which determines the layout of the page."""
    return [(job.folder.path.name, job.state in ACTIVE) for job in listed]


def draw_jobs(drawn: list[tuple[str, bool]]) -> None:
    """Draw one line per training.

    Args:
        drawn: The outline when the page was drawn; if it has changed, the whole page is redrawn.
    """
    from gnl_core.jobs.listing import list_jobs  # noqa: PLC0415 (as above)

    listed = list_jobs(runs_root())
    if outline(listed) != drawn:
        st.rerun()
    st.markdown("**Trainings**")
    for job in listed:
        draw_job(job)


def offer_downloads(job: Job) -> None:
    """Offer the checkpoint as a file, and the command that exports it to ONNX."""
    weights, name = job.folder.weights, job.folder.path.name
    if not weights.exists():
        return
    offer_file("Download checkpoint", f"{name}.safetensors", partial(read_bytes, weights, limit_bytes=WEIGHTS_BYTES))
    offer_command(shlex.join(["gnl", "export", shown_path(job.folder), "--onnx", f"{name}.onnx"]))
