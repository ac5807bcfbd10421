"""Downloads of Inspect: the scores, the maps as one picture, and the commands that reproduce the scores."""

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
from app.display.pictures import to_png
from app.display.provenance import command
from app.image_scoring import ImageResult, ResultPair

MAP_OPACITY = 0.7


def offer_image(view: View, chosen: Chosen, rows: list[ResultPair]) -> None:
    """Draw the download buttons, and for an image of the data set the commands that score its domain.

    Args:
        view: The page's view.
        chosen: The image.
        rows: The methods' results.
    """
    cells = [cell for row in rows for cell in row.cells]
    stem = f"{view.dataset} {view.normal_class} {chosen.title}"
    with st.container(horizontal=True, gap="small"):
        offer_file("CSV", f"{stem}.csv", partial(cells_csv, cells))
        offer_file("PNG", f"{stem}.png", partial(maps_png, chosen, cells))
    if chosen.number:
        domain = view.shifted if chosen.side == view.sides[1] else view.spec.in_distribution
        requests = [(row.on or row.off).request for row in rows]
        of_image = view._replace(shifted=domain)
        offer_command("\n".join(command(of_image, request.checkpoint, request.scoring) for request in requests))


def cells_csv(cells: list[ImageResult]) -> str:
    """Write one row per method, without and with matching."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("method", "style_weight", "score", "share_of_training_below", "n_training", "checkpoint"))
    for cell in cells:
        checkpoint, scoring = cell.request
        facts = (cell.image_score.score, cell.share_below, cell.n_training, checkpoint.sha256)
        writer.writerow((checkpoint.config.detector, scoring.style_weight, *facts))
    return stream.getvalue()


def maps_png(chosen: Chosen, cells: list[ImageResult]) -> bytes:
    """Render the image and each method's overlaid map side by side, on their colour scales."""
    maps = [draw_map(chosen.subject, cell, opacity=MAP_OPACITY, revealed=1.0) for cell in cells]
    return to_png(np.hstack([draw_image(chosen.subject), *maps]))
