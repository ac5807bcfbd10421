"""Addresses of views: links that hold all that decides what stands there."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from app import query_keys as keys
from app.controls.checkpoint import describe_checkpoint
from app.controls.view import View, shift_choice
from app.methods import DETECTOR_NAMES
from app.scoring import ScoringRequest
from app.words import DATASET_NAMES, name_of

EXPLORE, INSPECT, SHIFT_LAB = "explore", "inspect", "shift-lab"  # the pages' places in the address
Address = dict[str, str | list[str]]


def address_of(view: View, requests: Sequence[ScoringRequest], *, strength: float) -> Address:
    """What the address bar holds of a view, whichever page shows it.

    Args:
        view: Data set, class, shift and methods.
        requests: The methods, with the settings that were changed for all of them.
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
    changed = {name: st.session_state.get(name) for name in (*keys.MATCHING, *keys.REDUCTION)}
    return address | shift_choice(view) | {name: str(value) for name, value in changed.items() if value is not None}


def link_to_inspect(address: Address, *, side: str, number: int, label: str = "Inspect") -> None:
    """A link that opens an image of a view.

    Args:
        address: The view.
        side: What its domain is called.
        number: The image's number in it, from 1.
        label: What is written on the link.
    """
    link_to_page(INSPECT, label, address_of_image(address, side=side, number=number))


def address_of_image(address: Address, *, side: str, number: int) -> Address:
    """What the address bar of Inspect holds of an image; its arguments are those of `link_to_inspect`."""
    return address | {keys.SIDE: side, keys.IMAGE: str(number)}


def link_to_page(place: str, label: str, address: Address) -> None:
    """A link to a page.

    Args:
        place: The page's place in the address; Streamlit knows the page by that alone.
        label: What is written on the link.
        address: What stands in the address there.
    """
    st.page_link(st.Page(stand_in, title=label, url_path=place), label=label, query_params=address)


def url_of(place: str, address: Address) -> str:
    """A page's address as a link of the home page has it; its arguments are those of `link_to_page`."""
    return f"{place}?{urlencode(address, doseq=True)}"


def stand_in() -> None:
    """In a link, the place of the page itself, which imports what links to it."""
