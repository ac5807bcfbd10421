"""The download of the page Embeddings: where each image lies, as CSV."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from app.controls.view import View
from app.display.downloads import offer_file
from app.screens.embeddings.planes import planes_of
from app.screens.embeddings.states import Embedding
from gnl_core.runs.domains import TRAIN
from gnl_core.tables import csv_cell

if TYPE_CHECKING:
    from app.embedding import Placed


def offer_points(view: View, embedding: Embedding) -> None:
    """Draw the button; the file is made when it is pressed. Each panel's own button saves it as SVG."""
    detector = embedding.request.checkpoint.config.detector
    stem = f"embedding {view.dataset} {view.normal_class} {view.shifted} {detector}".replace(":", " ").replace("/", " ")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        offer_file("CSV", f"{stem}.csv", partial(points_csv, view, embedding))
        st.caption("The button at the upper right of a panel saves it as SVG.")


def points_csv(view: View, embedding: Embedding) -> str:
    """Write one row per state and image: its place on each plane and its distance, in the training images' spread."""
    domains = (view.spec.in_distribution, view.shifted)
    parts = [("", TRAIN, embedding.training)] + [
        (state.name, domain, placed)
        for state in embedding.states
        for domain, placed in zip(domains, state.sides, strict=True)
    ]
    tables = [placed_table(embedding, placed).assign(state=name, domain=domain) for name, domain, placed in parts]
    return pd.concat(tables).map(csv_cell).to_csv(index=False)


def placed_table(embedding: Embedding, placed: Placed) -> pd.DataFrame:
    """Build the rows of one domain in one state."""
    from gnl_core.metrics.embedding import distances  # noqa: PLC0415 (scikit-learn takes a second to import)

    places = {
        f"{name}, axis {number + 1}": plane.place(placed.group)[:, number]
        for name, plane in planes_of(embedding).items()
        for number in range(2)
    }
    return pd.DataFrame(
        {
            "number": placed.numbers,
            "path": placed.paths,
            "category": placed.categories,
            "label": placed.group.labels,
            "distance": distances(embedding.frame, placed.group.points),
            **places,
            "detector": embedding.request.checkpoint.config.detector,
            "checkpoint": embedding.request.checkpoint.sha256,
        }
    )
