"""What a page is about: the row of choices at its top, which the address bar holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.checkpoints import Checkpoint, list_checkpoints
from app.controls.data import Data, choose_data
from app.local_data import domains_here, is_bundled
from app.methods import DETECTOR_NAMES, SHOWN_AT_FIRST, in_order
from app.sources import own_folder
from app.words import SHIFTED_HELP, capitalised, corruption_name, domain_name, name_of
from gnl_core.datasets import FOLDER, TRAIN, default_root
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.corruptions import CORRUPTIONS, SEVERITIES, parse_shift
from gnl_core.datasets.shifts import shifted_domain, split_domain

ChooseShift = Callable[[str, Data, DeltaGenerator], str]
FIRST_SEVERITY = 3
ROW = (2, 2, 4, 3)  # data set, class or folder, shift, methods


class View(NamedTuple):
    """What the page is about.

    Attributes:
        dataset: A name in DATASETS, or "folder".
        normal_class: The class that is normal.
        root: The folder that was named on the page; None: the one that $GNL_DATA names.
        spec: The data set, its in-distribution domain first.
        shifted: The domain beside it.
        detectors: The methods to show, in their order.
    """

    dataset: str
    normal_class: str
    root: Path | None
    spec: DatasetSpec
    shifted: str
    detectors: tuple[str, ...]

    @property
    def own(self) -> bool:
        """Whether it is about a folder of one's own."""
        return self.dataset == FOLDER

    @property
    def unlabelled(self) -> bool:
        """Whether nobody has labelled its images; the normal ones learnt from stand beside them then."""
        return self.spec.in_distribution == TRAIN

    @property
    def sides(self) -> tuple[str, str]:
        """What the two domains are to each other."""
        to_score = self.unlabelled and not split_domain(self.shifted)[1]
        return "Normal images" if self.unlabelled else "In-distribution", "Images to score" if to_score else "Shifted"

    @property
    def titles(self) -> tuple[str, str]:
        """The headings of the two domains."""
        names = (domain_name(self.spec.in_distribution), domain_name(self.shifted))
        first, second = (f"{capitalised(name)} ({side.lower()})" for name, side in zip(names, self.sides, strict=True))
        return first, second


def choose_view(*, shift: ChooseShift | None = None) -> tuple[View | None, list[Checkpoint]]:
    """Draw the choices, and say which runs were left out.

    Args:
        shift: Draws the choice of a shifted domain; unset: of any.

    Returns:
        The view, or None where something is missing, and the page has said what; and all runs.
    """
    everything, problems = list_checkpoints()
    columns = st.columns(ROW, vertical_alignment="bottom")
    below = st.container()
    dataset, data = choose_data(everything, places=columns[:2], below=below)
    detectors = choose_methods(columns[3])
    view = None
    if data is not None:
        shifted = (shift or choose_shift)(dataset, data, columns[2])
        view = View(dataset, data.normal_class, data.root, data.spec, shifted, detectors)
    for problem in problems:
        st.warning(f"One run was left out: {problem}")
    return view, everything


def say_untrained(view: View, detectors: list[str], *, remedy: str) -> None:
    """Which methods have no checkpoint for this view yet, and what to do about it."""
    if not view.detectors:
        st.info("No method is chosen. Choose one or more at the top.")
    if detectors:
        names = ", ".join(name_of(DETECTOR_NAMES, detector) for detector in detectors)
        subject = "these images" if view.own else f"{view.normal_class} as its normal class"
        st.info(f"No checkpoint for {subject} yet: {names}. {remedy}")


def choose_methods(place: DeltaGenerator) -> tuple[str, ...]:
    """Any of the methods, none of them twice."""
    chosen = place.multiselect(
        "Methods",
        list(DETECTOR_NAMES),
        default=SHOWN_AT_FIRST,
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="methods",
        bind="query-params",
        placeholder="Choose methods",
    )
    return in_order(chosen)


def shift_choice(view: View) -> dict[str, str]:
    """The view's shift as the address bar holds it."""
    base, shift = split_domain(view.shifted)
    if not shift:
        return {"shift": domain_name(base)}
    corruption, severity = parse_shift(shift)
    return {"shift": corruption_name(corruption), "severity": str(severity)}


def choose_shift(dataset: str, data: Data, place: DeltaGenerator) -> str:
    """A shifted domain of the data set, or the in-distribution one under a corruption."""
    own, missing = split_missing(dataset, data)
    row = place.container(horizontal=True, vertical_alignment="bottom")
    chosen = row.selectbox(
        "Shift",
        [*own, *CORRUPTIONS],
        format_func=lambda key: corruption_name(key) if key in CORRUPTIONS else domain_name(key),
        key="shift",
        bind="query-params",
        help=" ".join([SHIFTED_HELP, *missing]),
    )
    if chosen not in CORRUPTIONS:
        return chosen
    severity = row.select_slider(
        "Severity", SEVERITIES, value=FIRST_SEVERITY, key="severity", bind="query-params", width=140
    )
    return shifted_domain(data.spec.in_distribution, f"{chosen}:{severity}")


def split_missing(dataset: str, data: Data) -> tuple[list[str], list[str]]:
    """The shifted domains that are there, and a sentence about those that are not."""
    own = [domain for domain in data.spec.shifted if not split_domain(domain)[1]]
    if dataset == FOLDER or is_bundled(dataset) or not own:
        return own, []
    here = domains_here(dataset, data.normal_class, data.root or default_root())
    missing = [domain_name(domain) for domain in own if domain not in here]
    told = [f"Not on this machine: {', '.join(missing)}. {data.spec.how_to_get}"] if missing else []
    return [domain for domain in own if domain in here], told


def checkpoints_of(view: View, everything: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The runs that answer for this view, each with the place where its images lie now."""
    task = (view.dataset, view.normal_class)
    found = [checkpoint for checkpoint in everything if checkpoint.task == task]
    if view.dataset == FOLDER:
        return of_one_split([checkpoint for checkpoint in found if own_folder(checkpoint) == view.root])
    if view.root is None:
        return found
    return [c._replace(config=c.config.model_copy(update={"data_root": view.root})) for c in found]


def of_one_split(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """Those that divide their folder as the first one does: others are scored on other images."""
    return [checkpoint for checkpoint in checkpoints if checkpoint.config.split == checkpoints[0].config.split]
