"""Bars of what takes longer than a moment. Nothing here imports PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app.words import duration

if TYPE_CHECKING:
    from gnl_core.datasets.loading import Batches
    from gnl_core.records import Batch

UNSEEN_SECONDS = 0.4  # work that is over by then needs no bar


class Work(NamedTuple):
    """What is to be looked at before and after some images, so that one bar can tell of all of it.

    Attributes:
        before: Number of images that are done.
        after: Number of images that are left.
    """

    before: int
    after: int


ALONE = Work(0, 0)


def tell_progress(batches: Batches, *, title: str, work: Work = ALONE) -> Iterator[Batch]:
    """The batches, with a bar that moves as they are asked for, and says how long all work will take.

    Args:
        batches: What is to be looked at.
        title: What the bar is called.
        work: What comes before and after it.
    """
    total, done = len(batches.items), 0
    place, started = st.empty(), time.perf_counter()
    for batch in batches:
        yield batch
        done += len(batch.paths)
        elapsed = time.perf_counter() - started
        if elapsed > UNSEEN_SECONDS:
            left = elapsed / done * (total - done + work.after)
            share = (work.before + done) / (work.before + total + work.after)
            place.progress(share, text=f"{title}: {done:,} of {total:,} images, {duration(left)} left")
    place.empty()
