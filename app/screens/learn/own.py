"""Learn, step 9: the user's own images: a folder, a command, and links to the next pages."""

from __future__ import annotations

import shlex
from pathlib import Path

import streamlit as st

from app import query_keys as keys
from app.controls.links import EXPLORE, Address, link_to_page
from app.display.downloads import offer_command
from app.local_data import check_folder, domains_here, open_own, typed_path
from app.screens.learn.step import LessonStep
from app.words import FOLDER_LAYOUT, plain
from gnl_core.datasets import FOLDER, list_train_items
from gnl_core.datasets.names import NORMAL
from gnl_core.datasets.reading import format_reading
from gnl_core.names import DATASET_NAMES, domain_name

PATH = "own_folder"
EXAMPLE = "my-images"
LAYOUT = "learn_layout"
SMALL = f"<style>.st-key-{LAYOUT} code {{ font-size: 0.72rem; }}</style>"  # its lines are long
TEXT = """\
You need a folder of normal images for training, and images to test, laid out as on the right. Choose any names for
domains and defects.

Enter the folder's path to see what it contains. Then train, with the command or on the page **Train**. **Explore**
shows your histograms, and **Inspect** explains why an image has its score.

Two habits keep the results honest: no anomalies among the training images, and a threshold chosen on held-out normal
images, never on test images."""


def ask() -> Path | None:
    """Ask for the path of a folder; None until a path is entered."""
    text = st.text_input("Your folder", key=PATH, bind="query-params", placeholder=f"/path/to/{EXAMPLE}")
    named: Address = {keys.DATA: DATASET_NAMES[FOLDER]}
    if text:
        named[keys.FOLDER] = text
    with st.container(horizontal=True):
        for place, title in (("train", "Train"), (EXPLORE, "Explore")):
            link_to_page(place, title, named)
    return typed_path(text)


def show(folder: Path | None, large: bool) -> None:
    """Show the layout, the folder's contents, and the command."""
    with st.container(key=LAYOUT):
        st.html(SMALL)
        st.code(layout(), language=None)
    if folder is not None:
        report_folder(folder)
    offer_command(command(folder or Path(EXAMPLE)))
    st.caption("Run it in the project's folder; --detector rd4ad trains the same network without the views.")


def layout() -> str:
    """Extract the tree of folders from the general help on the layout."""
    return FOLDER_LAYOUT.split("```")[1].strip()


def report_folder(folder: Path) -> None:
    """Report a folder's contents, or why it cannot be used."""
    try:
        check_folder(folder)
        spec = open_own(FOLDER, folder)
        images = len(list_train_items(FOLDER, normal_class=spec.classes[0], root=folder))
        domains = domains_here(FOLDER, spec.classes[0], folder)
        read = format_reading(folder)
    except (ValueError, OSError) as error:
        st.error(f"This folder cannot be used: {plain(error)}.")
        return
    names = ", ".join(domain_name(domain) for domain in domains) or "none"
    st.success(f"{images:,} normal images for training; domains to test: {plain(names)}.")
    st.text("\n".join(read))


def command(folder: Path) -> str:
    """Build the command that trains GNL on a folder."""
    where = shlex.quote(str(folder))
    return f"gnl train --dataset folder --data-root {where} --normal-class {NORMAL} --detector gnl --run runs/{EXAMPLE}"


OWN = LessonStep("Your own images", TEXT, ask, show)
