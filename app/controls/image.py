"""The choice of a single image: by its number in the view's data, uploaded, or taken with the camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.controls.unavailable import check_asked
from app.controls.view import View
from app.local_data import LISTED_SECONDS
from app.server.rules import limits
from app.sources import fingerprint
from app.subjects import Subject, subject_of, uploaded_subject
from app.words import plain
from gnl_core.config.data import USUAL_SPLIT
from gnl_core.datasets import default_root, list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.shifts import shift_items, split_domain
from gnl_core.names import domain_name
from gnl_core.runs.domains import TRAIN

FROM_DATA, DROPPED, CAMERA = ORIGINS = ("Data set", "Your image", "Camera")
ORIGINS_HELP = (
    "Your own image stays on the machine where this app runs and is not stored. The address does not contain it: "
    "anyone who opens the address sees the data set's image."
)


class Chosen(NamedTuple):
    """The chosen image and its labels on the page.

    Attributes:
        subject: The image.
        title: Such as "Image 37 of 719".
        place: Its side and domain in words; empty for the user's own image.
        side: The label of its domain, such as "Shifted"; empty for the user's own image.
        number: The image's number in its domain, from 1; 0 for the user's own image.
    """

    subject: Subject
    title: str
    place: str = ""
    side: str = ""
    number: int = 0


def first_image(_: list[Item]) -> int:
    """Return 1, the number of the first image."""
    return 1


def first_normal(items: list[Item]) -> int:
    """Return the number of the first normal image, or 1 if there is none."""
    return next((number for number, item in enumerate(items, start=1) if item.label == 0), 1)


def choose_subject(
    view: View, checkpoints: list[Checkpoint], *, sides: Sequence[str], first: Callable[[list[Item]], int] = first_image
) -> Chosen:
    """Draw the choices; until the user provides a readable image, the data set's image is shown.

    Args:
        view: Data set, class and shift.
        checkpoints: The runs trained for it.
        sides: The view's sides that can be chosen.
        first: Returns the number, from 1, of the image shown initially.

    Raises:
        ValueError: If the data set's image is missing or cannot be read; the message says why.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    origin = row.segmented_control(
        "Image from", ORIGINS, default=FROM_DATA, required=True, key=keys.ORIGIN, bind="query-params", help=ORIGINS_HELP
    )
    own = None
    if origin != FROM_DATA:
        with row:
            own = {DROPPED: upload_image, CAMERA: take_picture}[origin]()
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with row:
        return own or choose_number(view, checkpoints, sides=sides, first=first)


def upload_image() -> Chosen | None:
    """Upload an image; None until it can be read."""
    most = limits()
    file = st.file_uploader(
        f"PNG or JPEG, up to {most.upload_mb} MB and {most.upload_megapixels} megapixels",
        type=["png", "jpg", "jpeg"],
        key="dropped",
    )
    return None if file is None else read_own_image(file.name, file.getvalue())


def take_picture() -> Chosen | None:
    """Take a picture with the camera; None until it can be read."""
    file = st.camera_input("Take a picture", key="camera", width=320)
    return None if file is None else read_own_image("The picture", file.getvalue())


def read_own_image(name: str, content: bytes) -> Chosen | None:
    """Read the user's own image; if it cannot be read, show why and return None."""
    try:
        return Chosen(uploaded_subject(name, content), "Your image")
    except ValueError as error:
        st.error(f"This image cannot be used: {plain(error)}.")
        return None


def choose_number(
    view: View, checkpoints: list[Checkpoint], *, sides: Sequence[str], first: Callable[[list[Item]], int]
) -> Chosen:
    """Choose an image of the view by its number, with buttons for its neighbours."""
    place = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    side = sides[0] if len(sides) == 1 else choose_side(place, sides)
    domain = (view.spec.in_distribution, view.shifted)[view.sides.index(side)]
    items = list_images(view, checkpoints, domain)
    if not items:
        raise ValueError("there are no images here; choose another domain or data set")
    number = choose_image_number(len(items), first=first(items))
    title = f"Image {number:,} of {len(items):,}"
    return Chosen(subject_of(items[number - 1]), title, f"{side.lower()}: {domain_name(domain)}", side, number)


def choose_side(place: DeltaGenerator, sides: Sequence[str]) -> str:
    """Choose one of the domains; initially the last one."""
    return place.segmented_control(
        "Domain", sides, default=sides[-1], required=True, key=keys.SIDE, bind="query-params"
    )


def choose_image_number(count: int, *, first: int) -> int:
    """Choose a number from 1 to a count, with buttons for the previous and the next image."""
    if st.session_state.get(keys.IMAGE, 1) > count:
        st.session_state[keys.IMAGE] = count
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xxsmall", width="content"):
        before = st.empty()
        label = f"Image (of {count:,})"
        number = st.number_input(label, 1, count, first, key=keys.IMAGE, bind="query-params", width=110)
        check_asked(keys.IMAGE, label, number, range(1, count + 1))
        before.button("‹", key="previous", on_click=step_by, args=(-1,), disabled=number <= 1, help="Previous image")
        st.button("›", key="next", on_click=step_by, args=(1,), disabled=number >= count, help="Next image")
    return number


def step_by(step: int) -> None:
    """Go to the next (1) or the previous (-1) image."""
    st.session_state[keys.IMAGE] += step


def list_labels(view: View, checkpoints: list[Checkpoint], domain: str) -> NDArray[np.int64]:
    """List the labels of a domain's images, in their order, once a minute; raises as `list_images`."""
    version = fingerprint(view.root) if view.own and view.root else str(view.root or default_root())
    key = (view.dataset, view.normal_class, domain, version, checkpoints[0].sha256 if checkpoints else "")
    return listed_labels(key, view, checkpoints)


@st.cache_data(ttl=LISTED_SECONDS, max_entries=32, show_spinner=False)
def listed_labels(key: tuple[str, ...], _view: View, _checkpoints: list[Checkpoint]) -> NDArray[np.int64]:
    """List labels as `list_labels`; the key, whose third part is the domain, determines them."""
    return np.array([item.label for item in list_images(_view, _checkpoints, key[2])], dtype=np.int64)


def list_images(view: View, checkpoints: list[Checkpoint], domain: str) -> list[Item]:
    """List the images of a domain in the order of their saved scores.

    The domain `train` holds the first run's training images; without a run, all normal training images.

    Raises:
        ValueError: If they are missing.
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
