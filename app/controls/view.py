"""The view: the row of choices at the top of a page, which the address bar keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.checkpoints import Checkpoint, list_checkpoints
from app.controls.data import Data, choose_data
from app.controls.unavailable import check_asked
from app.local_data import domains_here, is_bundled
from app.methods import DEFAULT_METHODS, in_order
from app.sources import own_folder
from app.words import SHIFTED_HELP, capitalised, plain, sentence_list
from gnl_core.datasets import OWN, default_root
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.corruptions import CORRUPTIONS, SEVERITIES, parse_shift
from gnl_core.datasets.shifts import shifted_domain, split_domain
from gnl_core.names import DETECTOR_NAMES, corruption_name, domain_name, name_of
from gnl_core.runs.domains import TRAIN

ChooseShift = Callable[[str, Data, DeltaGenerator], str]
FIRST_SEVERITY = 3
ROW = (2, 2, 4, 3)  # data set, class or folder, shift, methods


class View(NamedTuple):
    """The data and methods that a page shows.

    Attributes:
        dataset: A name in DATASETS or OWN.
        normal_class: The class that is normal.
        root: The folder given on the page; None for the one in $GNL_DATA.
        spec: The data set, its in-distribution domain first.
        shifted: The domain to compare with it.
        detectors: The methods to show, in display order.
    """

    dataset: str
    normal_class: str
    root: Path | None
    spec: DatasetSpec
    shifted: str
    detectors: tuple[str, ...]

    @property
    def own(self) -> bool:
        """Whether the data is the user's own folder."""
        return self.dataset in OWN

    @property
    def unlabelled(self) -> bool:
        """Whether its images are unlabelled; they are then compared with the normal training images."""
        return self.spec.in_distribution == TRAIN

    @property
    def sides(self) -> tuple[str, str]:
        """The labels of the two domains."""
        to_score = self.unlabelled and not split_domain(self.shifted)[1]
        return "Normal images" if self.unlabelled else "In-distribution", "Images to score" if to_score else "Shifted"

    @property
    def titles(self) -> tuple[str, str]:
        """The headings of the two domains."""
        names = (domain_name(self.spec.in_distribution), domain_name(self.shifted))
        first, second = (f"{capitalised(name)} ({side.lower()})" for name, side in zip(names, self.sides, strict=True))
        return first, second


def choose_view(*, shift: ChooseShift | None = None) -> tuple[View | None, list[Checkpoint]]:
    """Draw the choices, and report which runs were left out.

    Args:
        shift: Draws the choice of the shifted domain; by default, any shift can be chosen.

    Returns:
        The view, or None if something is missing, which the page explains; and all runs.
    """
    everything, problems = list_checkpoints()
    columns = st.container(key="view").columns(ROW, vertical_alignment="bottom")
    below = st.container()
    dataset, data = choose_data(everything, places=columns[:2], below=below)
    detectors = choose_methods(columns[3])
    view = None
    if data is not None:
        shifted = (shift or choose_shift)(dataset, data, columns[2])
        view = View(dataset, data.normal_class, data.root, data.spec, shifted, detectors)
    for problem in problems:
        st.warning(f"A run was left out: {plain(problem)}")
    return view, everything


def report_untrained(view: View, detectors: list[str], *, remedy: str) -> None:
    """List the methods without a checkpoint for this view, and what to do about it."""
    if not view.detectors:
        st.info("No method is selected. Select at least one at the top.")
    if detectors:
        names = sentence_list([name_of(DETECTOR_NAMES, detector) for detector in detectors])
        trained = "of these images" if view.own else f"with {plain(view.normal_class)} as the normal class"
        st.info(f"{names} {'has' if len(detectors) == 1 else 'have'} no checkpoint {trained} yet. {remedy}")


def choose_methods(place: DeltaGenerator) -> tuple[str, ...]:
    """Choose any number of methods."""
    name = partial(name_of, DETECTOR_NAMES)
    chosen = place.multiselect(
        "Methods",
        list(DETECTOR_NAMES),
        default=DEFAULT_METHODS,
        format_func=name,
        key=keys.METHODS,
        bind="query-params",
        placeholder="Choose methods",
    )
    check_asked(keys.METHODS, "Methods", chosen, DETECTOR_NAMES, format_func=name)
    return in_order(chosen)


def shift_choice(view: View) -> dict[str, str]:
    """Return the view's shift as query parameters."""
    base, shift = split_domain(view.shifted)
    if not shift:
        return {keys.SHIFT: domain_name(base)}
    corruption, severity = parse_shift(shift)
    return {keys.SHIFT: corruption_name(corruption), keys.SEVERITY: str(severity)}


def choose_shift(dataset: str, data: Data, place: DeltaGenerator) -> str:
    """Choose a shifted domain of the data set, or its in-distribution domain under a corruption."""
    own, missing = split_missing(dataset, data)
    row = place.container(horizontal=True, vertical_alignment="bottom")
    offered = [*own, *CORRUPTIONS]
    chosen = row.selectbox(
        "Shift",
        offered,
        format_func=shift_name,
        key=keys.SHIFT,
        bind="query-params",
        help=" ".join([SHIFTED_HELP, *missing]),
    )
    check_asked(keys.SHIFT, "Shift", chosen, offered, format_func=shift_name)
    if chosen not in CORRUPTIONS:
        return chosen
    severity = row.select_slider(
        "Severity", SEVERITIES, value=FIRST_SEVERITY, key=keys.SEVERITY, bind="query-params", width=140
    )
    return shifted_domain(data.spec.in_distribution, f"{chosen}:{severity}")


def shift_name(shift: str) -> str:
    """Return the display name of a corruption or a domain."""
    return corruption_name(shift) if shift in CORRUPTIONS else domain_name(shift)


def split_missing(dataset: str, data: Data) -> tuple[list[str], list[str]]:
    """Return the available shifted domains, and a sentence about the missing ones, if any."""
    own = [domain for domain in data.spec.shifted if not split_domain(domain)[1]]
    if dataset in OWN or is_bundled(dataset) or not own:
        return own, []
    here = domains_here(dataset, data.normal_class, data.root or default_root())
    missing = [domain_name(domain) for domain in own if domain not in here]
    note = [f"Not on this machine: {', '.join(missing)}. {data.spec.how_to_get}"] if missing else []
    return [domain for domain in own if domain in here], note


def checkpoints_of(view: View, everything: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Select the runs trained for this view, each with the current location of its images."""
    task = (view.dataset, view.normal_class)
    trained = [checkpoint for checkpoint in everything if checkpoint.task == task]
    if view.own:
        return of_one_split([checkpoint for checkpoint in trained if own_folder(checkpoint) == view.root])
    if view.root is None:
        return trained
    return [c._replace(config=c.config.model_copy(update={"data_root": view.root})) for c in trained]


def of_one_split(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """Select the runs that split their folder as the first one does; others are scored on other images."""
    return [checkpoint for checkpoint in checkpoints if checkpoint.config.split == checkpoints[0].config.split]
