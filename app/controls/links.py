"""Addresses of views, and links that reproduce a view completely."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from app import query_keys as keys
from app.controls.checkpoint import describe_checkpoint
from app.controls.view import View, shift_choice
from app.scoring import ScoringRequest
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, name_of

# The pages' paths in the address.
EXPLORE, INSPECT, SHIFT_LAB, EMBEDDINGS = "explore", "inspect", "shift-lab", "embeddings"
Address = dict[str, str | list[str]]


def address_of(view: View, requests: Sequence[ScoringRequest], *, strength: float) -> Address:
    """Return the query parameters of a view, which all its pages share.

    Args:
        view: Data set, class, shift and methods.
        requests: The scoring requests of its methods.
        strength: The strength of matching.
    """
    address: Address = {
        keys.DATA: name_of(DATASET_NAMES, view.dataset),
        keys.FOLDER if view.own else keys.NORMAL: str(view.root) if view.own else view.normal_class,
        keys.METHODS: [name_of(DETECTOR_NAMES, detector) for detector in view.detectors],
        keys.STRENGTH: str(strength),
    }
    if view.root is not None and not view.own:
        address[keys.ROOT] = str(view.root)
    for request in requests:
        checkpoint = request.checkpoint
        address[f"{keys.RUN}{checkpoint.config.detector}"] = describe_checkpoint(checkpoint)
    changed = {name: st.session_state.get(name) for name in (*keys.MATCHING, *keys.REDUCTION, keys.ADAPT, keys.TRAY)}
    return address | shift_choice(view) | {name: str(value) for name, value in changed.items() if value is not None}


def link_to_inspect(address: Address, *, side: str, number: int, label: str = "Inspect") -> None:
    """Draw a link that opens an image of a view on Inspect.

    Args:
        address: The view.
        side: The label of its domain, such as "Shifted".
        number: The image's number in its domain, from 1.
        label: The text of the link.
    """
    link_to_page(INSPECT, label, address_of_image(address, side=side, number=number))


def address_of_image(address: Address, *, side: str, number: int) -> Address:
    """Return the query parameters of an image on Inspect; for the arguments, see `link_to_inspect`."""
    return address | {keys.SIDE: side, keys.IMAGE: str(number)}


def link_to_page(path: str, label: str, address: Address) -> None:
    """Draw a link to a page.

    Args:
        path: The page's path, by which Streamlit identifies it.
        label: The text of the link.
        address: The query parameters.
    """
    st.page_link(st.Page(stand_in, title=label, url_path=path), label=label, query_params=address)


def url_of(path: str, address: Address) -> str:
    """Return a page's address relative to the home page; for the arguments, see `link_to_page`."""
    return f"{path}?{urlencode(address, doseq=True)}"


def stand_in() -> None:
    """Stand in for the page in a link: importing the page here would be circular."""
