"""Downloads of Inspect: the scores, the maps as one picture, a notebook, and the commands that reproduce the scores."""

from __future__ import annotations

import csv
import io
from functools import partial

import numpy as np
import streamlit as st

from app.controls.image import Chosen
from app.controls.view import View
from app.display.downloads import offer_command, offer_file
from app.display.maps import draw_image, draw_map
from app.display.notebook import offer_notebook
from app.display.pictures import to_png
from app.display.provenance import adapted_command, command
from app.image_scoring import ImageResult, ResultPair
from app.screens.inspect.notebook import inspect_notebook
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.tables import csv_cell

MAP_OPACITY = 0.7


def offer_image(view: View, chosen: Chosen, rows: list[ResultPair], choice: TrayChoice | None) -> None:
    """Draw the download buttons, and for an image of the data set a notebook and the commands that score its domain.

    Args:
        view: The page's view.
        chosen: The image.
        rows: The methods' results.
        choice: Which images the methods are adapted to; None if they are not.
    """
    cells = [cell for row in rows for cell in row.cells]
    stem = f"{view.dataset} {view.normal_class} {chosen.title}"
    domain = view.shifted if chosen.side == view.sides[1] else view.spec.in_distribution
    of_image = view._replace(shifted=domain)
    with st.container(horizontal=True, gap="small"):
        offer_file("CSV", f"{stem}.csv", partial(cells_csv, cells))
        offer_file("PNG", f"{stem}.png", partial(maps_png, chosen, cells))
        if chosen.number:
            offer_notebook(stem, partial(inspect_notebook, of_image, chosen.number, rows, choice))
    if chosen.number:
        offer_command("\n".join(cell_command(of_image, row.on or row.off, choice) for row in rows))


def cell_command(view: View, cell: ImageResult, choice: TrayChoice | None) -> str:
    """Build the command that scores the domain of the view as the cell is scored."""
    if cell.adapted and choice:
        return adapted_command(view, *cell.request, choice)
    return command(view, *cell.request)


def cells_csv(cells: list[ImageResult]) -> str:
    """Write one row per method, without and with matching or adapted; only an adapted one has a threshold."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ("method", "style_weight", "score", "share_of_training_below", "n_training", "adapted_threshold", "checkpoint")
    )
    for cell in cells:
        checkpoint, scoring = cell.request
        share, threshold = (cell.share_below, "") if cell.adapted is None else ("", cell.adapted.threshold.value)
        facts = (cell.image_score.score, share, cell.n_training, threshold, checkpoint.sha256)
        writer.writerow(map(csv_cell, (checkpoint.config.detector, scoring.style_weight, *facts)))
    return stream.getvalue()


def maps_png(chosen: Chosen, cells: list[ImageResult]) -> bytes:
    """Render the image and each method's overlaid map side by side, on their colour scales."""
    maps = [draw_map(chosen.subject, cell, opacity=MAP_OPACITY, revealed=1.0) for cell in cells]
    return to_png(np.hstack([draw_image(chosen.subject), *maps]))
