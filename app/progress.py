"""Bars of what takes longer than a moment. Nothing here imports PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.words import duration

if TYPE_CHECKING:
    from gnl_core.datasets.loading import Batches
    from gnl_core.records import Batch

UNSEEN_SECONDS = 0.4  # work that is over by then needs no bar
CANCELLED = "cancelled_work"  # what this visitor has cancelled last


class Work(NamedTuple):
    """What is to be looked at before and after some images, so that one bar can tell of all of it.

    Attributes:
        before: Number of images that are done.
        after: Number of images that are left.
    """

    before: int
    after: int


ALONE = Work(0, 0)


def track_progress(
    batches: Batches, *, title: str, work: Work = ALONE, key: tuple[str, ...] | None = None
) -> Iterator[Batch]:
    """The batches, with a bar that moves as they are asked for, and says how long all work will take.

    Args:
        batches: What is to be looked at.
        title: What the bar is called.
        work: What comes before and after it.
        key: What tells the work from all other, for a button beside the bar that cancels it; unset: no button.
    """
    total, done = len(batches.items), 0
    place, bar, started = st.empty(), None, time.perf_counter()
    for batch in batches:
        yield batch
        done += len(batch.paths)
        elapsed = time.perf_counter() - started
        if elapsed > UNSEEN_SECONDS:
            bar = bar or draw_bar(place, key)
            left = elapsed / done * (total - done + work.after)
            share = (work.before + done) / (work.before + total + work.after)
            bar.progress(share, text=f"{title}: {done:,} of {total:,} images, {duration(left)} left")
    place.empty()


def draw_bar(place: DeltaGenerator, key: tuple[str, ...] | None) -> DeltaGenerator:
    """The place of a bar, beside the button that cancels its work; the click itself ends it: the page is drawn anew."""
    row = place.container(horizontal=True, vertical_alignment="bottom")
    bar = row.empty()
    if key is not None:
        row.button("Cancel", key=f"cancel {' '.join(key)}", on_click=st.session_state.update, args=({CANCELLED: key},))
    return bar


def forget_cancelled() -> None:
    """Let what was cancelled be done after all, for it is asked for again."""
    st.session_state.pop(CANCELLED, None)


def stop_if_cancelled(key: tuple[str, ...], *, title: str) -> None:
    """End the page here if the visitor has cancelled this work, with a button that begins it anew.

    Args:
        key: What tells the work from all other.
        title: What it is called.
    """
    if st.session_state.get(CANCELLED) != key:
        return
    with st.empty().container():  # where the bar comes, which takes its place
        st.info(f"{title}: cancelled. Choose something else at the top, or score these images after all.")
        st.button("Score these images", type="primary", on_click=forget_cancelled)
    st.stop()
