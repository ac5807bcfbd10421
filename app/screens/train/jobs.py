"""The trainings of the page Train: how far each is, and what can be done about it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import streamlit as st

from app.checkpoints import runs_root
from app.display.downloads import offer_command, offer_file
from app.display.jobs import ACTIVE, PROBLEM, REFRESH_SECONDS, draw_details, draw_job
from app.display.provenance import shown_path
from app.screens.train.epochs import early_look

if TYPE_CHECKING:
    from gnl_core.jobs.listing import Job


def jobs() -> None:
    """All trainings and one of them in detail, drawn again every second while one is under way."""
    from gnl_core.jobs.listing import list_jobs  # noqa: PLC0415 (PyTorch takes seconds to import)

    found = list_jobs(runs_root())
    problem = st.session_state.pop(PROBLEM, None)
    if problem:
        st.error(problem)
    if not found:
        st.info("No training yet. What you start on the left goes on beside this page, also when you close it.")
        return
    every = REFRESH_SECONDS if any(job.state in ACTIVE for job in found) else None
    st.fragment(draw_jobs, run_every=every)(outline(found))
    names = [job.folder.path.name for job in found]
    chosen = found[names.index(st.selectbox("Show in detail", names, key="job", bind="query-params"))]
    st.fragment(draw_details, run_every=every)(chosen.folder)
    take_away(chosen)
    early_look(chosen.folder, chosen.config)


def outline(found: list[Job]) -> list[tuple[str, bool]]:
    """Which trainings there are, and which of them are under way: what the whole page depends on."""
    return [(job.folder.path.name, job.state in ACTIVE) for job in found]


def draw_jobs(drawn: list[tuple[str, bool]]) -> None:
    """A line a training.

    Args:
        drawn: Their outline when the page was drawn; the whole page is drawn again when it is another.
    """
    from gnl_core.jobs.listing import list_jobs  # noqa: PLC0415 (as above)

    found = list_jobs(runs_root())
    if outline(found) != drawn:
        st.rerun()
    st.markdown("**Trainings**")
    for job in found:
        draw_job(job)


def take_away(job: Job) -> None:
    """The checkpoint as a file, and the line that makes an ONNX file of it."""
    weights, name = job.folder.weights, job.folder.path.name
    if not weights.exists():
        return
    offer_file("Save the checkpoint", f"{name}.safetensors", weights.read_bytes)
    offer_command(shlex.join(["gnl", "export", shown_path(job.folder), "--onnx", f"{name}.onnx"]))
