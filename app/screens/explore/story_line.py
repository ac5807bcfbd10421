"""The line of stories at the top of Explore, told from the saved scores of the bundled runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.adaptation import join_adapted, present_adapted
from app.checkpoints import Checkpoint
from app.controls.links import Address
from app.display.components import component
from app.display.unreadable import showing_unreadable
from app.scoring import compute_result, make_request, present_scores
from app.screens.explore.stories import ABOUT, METHOD, STRENGTH, TRAY, Case, Story, is_open, tell_stories
from gnl_core.datasets import DATASETS
from gnl_core.files import version_of
from gnl_core.runs.domains import HELD_OUT, TRAIN

HTML = '<nav aria-label="Stories"><ul></ul></nav>'


def announce_stories(place: DeltaGenerator, checkpoints: Sequence[Checkpoint]) -> None:
    """State how the stories are chosen, above them; nothing if no bundled run has scores for stories."""
    if bundled_runs(checkpoints):
        place.caption(ABOUT)


def draw_stories(place: DeltaGenerator, checkpoints: Sequence[Checkpoint], shown: Address | None) -> None:
    """Draw the stories; nothing if no bundled run has the scores for one.

    Args:
        place: The container for the line.
        checkpoints: All runs.
        shown: The query parameters of what the page shows; None if it shows nothing.
    """
    with place, showing_unreadable():
        stories = find_stories(checkpoints)
        if stories:
            told = [describe_story(story, opened=shown is not None and is_open(story, shown)) for story in stories]
            draw = component("stories", html=HTML, css=("stories.css",), js=("link.js", "stories.js"))
            draw(key="stories", data={"stories": tuple(told)})


def describe_story(story: Story, *, opened: bool) -> dict[str, object]:
    """Collect what the browser shows of a story."""
    return story._asdict() | {"address": f"?{urlencode(story.address, doseq=True)}", "open": opened}


def find_stories(checkpoints: Sequence[Checkpoint]) -> list[Story]:
    """Tell the stories of the bundled runs, once for each version of their files.

    Raises:
        UnreadableFileError: If a file of a bundled run is damaged.
    """
    bundled = bundled_runs(checkpoints)
    versions = [(run.sha256, version_of(run.folder.scores), version_of(run.folder.adapted)) for run in bundled]
    return told_stories(versions, _bundled=bundled)


def bundled_runs(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Select the bundled runs with saved scores of the method that the stories tell of."""
    return [run for run in checkpoints if run.bundled and run.config.detector == METHOD and run.folder.scores.exists()]


@st.cache_data(max_entries=4, show_spinner=False)
def told_stories(versions: Sequence[object], *, _bundled: Sequence[Checkpoint]) -> list[Story]:
    """Tell as `find_stories`; the versions of the files determine the runs."""
    return tell_stories([case for run in _bundled for case in find_cases(run)])


def find_cases(checkpoint: Checkpoint) -> Iterator[Case]:
    """Yield the shifts of a bundled run's data set whose scores are saved, without and with full matching."""
    spec = DATASETS[checkpoint.config.dataset]
    plain, matched = (make_request(checkpoint, style_weight=weight) for weight in (0.0, STRENGTH))
    for shifted in spec.shifted:
        domains = (TRAIN, HELD_OUT, spec.in_distribution, shifted)
        if any(present_scores(request, domain) is None for request in (plain, matched) for domain in domains):
            continue
        before, after = (compute_result(request, spec=spec, shifted=shifted) for request in (plain, matched))
        found = present_adapted(plain, TRAY, like=before.shifted.scores, shifted=shifted)
        yield Case(checkpoint, shifted, before, after, join_adapted(before, TRAY, found) if found else None)
