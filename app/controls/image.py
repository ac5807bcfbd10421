"""Which image Inspect is about: one of the view's by its number, or one that is dropped in or photographed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.checkpoints import Checkpoint
from app.controls.view import View
from app.subjects import LARGEST_MB, LARGEST_MEGAPIXELS, Subject, brought_along, subject_of
from app.words import domain_name
from gnl_core.config import USUAL_SPLIT
from gnl_core.datasets import TRAIN, list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.shifts import shift_items, split_domain

FROM_DATA, DROPPED, CAMERA = ORIGINS = ("Data set", "Your image", "Camera")
NUMBER = "image"
ORIGINS_HELP = (
    "An image of your own stays on the machine where this app runs, is not kept, and is not in the address: "
    "whoever opens the address sees the data set's image."
)


class Chosen(NamedTuple):
    """The image, and what it is called here.

    Attributes:
        subject: The image.
        title: Such as "Image 37 of 719".
        place: The domain that it is from; empty for one that was brought along.
        side: What that domain is called here.
        number: The image's number in it, from 1; 0 for one that was brought along.
    """

    subject: Subject
    title: str
    place: str = ""
    side: str = ""
    number: int = 0


def first_image(_: list[Item]) -> int:
    """The first one."""
    return 1


def first_normal(items: list[Item]) -> int:
    """The first one that is normal; the first one where none is."""
    return next((number for number, item in enumerate(items, start=1) if item.label == 0), 1)


def choose_subject(
    view: View, checkpoints: list[Checkpoint], *, sides: Sequence[str], first: Callable[[list[Item]], int] = first_image
) -> Chosen:
    """Draw the choices. Until something is brought along that can be read, the data set's image is shown.

    Args:
        view: Data set, class and shift.
        checkpoints: The runs that answer for it.
        sides: Those of the view that an image may be of.
        first: Which of their images, from 1, is shown at first.

    Raises:
        ValueError: If the data set's image is not there, or cannot be read; says why.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    origin = row.segmented_control(
        "Image from", ORIGINS, default=FROM_DATA, required=True, key="from", bind="query-params", help=ORIGINS_HELP
    )
    own = None
    if origin != FROM_DATA:
        with row:
            own = {DROPPED: drop_in, CAMERA: photograph}[origin]()
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with row:
        return own or choose_number(view, checkpoints, sides=sides, first=first)


def drop_in() -> Chosen | None:
    """An image that is dropped in; None until there is one that can be read."""
    file = st.file_uploader(
        f"PNG or JPEG, up to {LARGEST_MB} MB and {LARGEST_MEGAPIXELS} megapixels",
        type=["png", "jpg", "jpeg"],
        key="dropped",
    )
    return None if file is None else read_visibly(file.name, file.getvalue())


def photograph() -> Chosen | None:
    """An image from the camera; None until one is taken."""
    file = st.camera_input("Take a picture", key="camera", width=320)
    return None if file is None else read_visibly("The picture", file.getvalue())


def read_visibly(name: str, content: bytes) -> Chosen | None:
    """What was brought along; None where it cannot be read, and the page has said why."""
    try:
        return Chosen(brought_along(name, content), "Your image")
    except ValueError as error:
        st.error(f"This image cannot be used: {error}.")
        return None


def choose_number(
    view: View, checkpoints: list[Checkpoint], *, sides: Sequence[str], first: Callable[[list[Item]], int]
) -> Chosen:
    """An image of the view by its number, with steps to its neighbours."""
    place = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    side = sides[0] if len(sides) == 1 else choose_side(place, sides)
    domain = (view.spec.in_distribution, view.shifted)[view.sides.index(side)]
    items = list_images(view, checkpoints, domain)
    if not items:
        raise ValueError("there are no images here; choose another domain or data set")
    number = step_through(len(items), first=first(items))
    title = f"Image {number:,} of {len(items):,}"
    return Chosen(subject_of(items[number - 1]), title, f"{side.lower()}: {domain_name(domain)}", side, number)


def choose_side(place: DeltaGenerator, sides: Sequence[str]) -> str:
    """One of the domains; the last one at first."""
    return place.segmented_control("Domain", sides, default=sides[-1], required=True, key="side", bind="query-params")


def step_through(count: int, *, first: int) -> int:
    """A number from 1 to a count; some number at first."""
    if st.session_state.get(NUMBER, 1) > count:
        st.session_state[NUMBER] = count
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xxsmall", width="content"):
        before = st.empty()
        number = st.number_input(f"Image, of {count:,}", 1, count, first, key=NUMBER, bind="query-params", width=110)
        before.button("‹", key="previous", on_click=step_by, args=(-1,), disabled=number <= 1, help="Previous image")
        st.button("›", key="next", on_click=step_by, args=(1,), disabled=number >= count, help="Next image")
    return number


def step_by(step: int) -> None:
    """Go to the next image, or back."""
    st.session_state[NUMBER] += step


def list_images(view: View, checkpoints: list[Checkpoint], domain: str) -> list[Item]:
    """The images of a domain in the order of their scores on file.

    Those learnt from are a run's own choice; without a run they are all normal training images.

    Raises:
        ValueError: If they are not there.
    """
    base, shift = split_domain(domain)
    if base != TRAIN:
        split = checkpoints[0].config.split if checkpoints else USUAL_SPLIT
        return list_items(view.dataset, normal_class=view.normal_class, domain=domain, root=view.root, split=split)
    if checkpoints:
        from gnl_core.runs.images import list_domain  # noqa: PLC0415 (PyTorch takes seconds to import)

        return list_domain(checkpoints[0].config, domain)
    items = list_train_items(view.dataset, normal_class=view.normal_class, root=view.root)
    return shift_items(items, shift) if shift else items
