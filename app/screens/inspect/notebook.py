"""Inspect as a notebook: an image of the data set, and its score and map by each method, on shared colour scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.checkpoints import Checkpoint
from app.controls.view import View
from app.display.notebook import (
    Cell,
    adapt_call,
    call,
    load_line,
    opening_cells,
    run_variable,
    write_notebook,
)
from app.display.provenance import settings_of_scores
from app.image_scoring import STANDARDISED, ImageResult, ResultPair, kind_of
from gnl_core.names import domain_name
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.tables import escape_markdown

SCALES = (
    "Comparable maps share one colour scale. Its upper end is the largest `map_scale` of their methods; where maps are "
    "standardised by position, it is the largest threshold."
)


def inspect_notebook(view: View, number: int, rows: Sequence[ResultPair], choice: TrayChoice | None) -> str:
    """Write the notebook.

    Args:
        view: The page's view, whose shifted domain is that of the image.
        number: The image's number in that domain, from 1.
        rows: The methods' results, at least one.
        choice: Which images the methods are adapted to; None if they are not.
    """
    cells = [cell for row in rows for cell in row.cells]
    checkpoints = [row.off.request.checkpoint for row in rows]
    shift = domain_name(view.shifted)
    return write_notebook(
        [
            *opening_cells(view, "Inspect", checkpoints, shift=shift, imports="from PIL import Image"),
            Cell("code", image_source(view, number, checkpoints)),
            *adapting_cells(cells, choice),
            *scale_cells(cells),
            *(part for cell in cells for part in result_cells(cell)),
        ]
    )


def image_source(view: View, number: int, checkpoints: Sequence[Checkpoint]) -> str:
    """Write the lines that load the runs and show the image."""
    lines = [
        *(load_line(checkpoint) for checkpoint in checkpoints),
        f"domain, number = {view.shifted!r}, {number}",
        f"image = gnl.images({run_variable(checkpoints[0])}, domain)[number - 1]",
        "Image.fromarray(image.read())",
    ]
    return "\n".join(lines)


def adapting_cells(cells: Sequence[ImageResult], choice: TrayChoice | None) -> Iterator[Cell]:
    """Write a cell for each adapted method, which adapts it to the image's domain."""
    for cell in cells:
        if cell.adapted and choice:
            name = adaptation_variable(cell)
            yield Cell("code", f"{name} = {adapt_call(cell.request, choice, 'domain')}\n{name}")


def adaptation_variable(cell: ImageResult) -> str:
    """Return the variable that holds a method's adaptation."""
    return f"{cell.request.checkpoint.config.detector}_adaptation"


def scale_cells(cells: Sequence[ImageResult]) -> Iterator[Cell]:
    """Write the cells that compute the upper end of each colour scale; none if no method has maps."""
    by_kind: dict[str, list[str]] = {}
    for cell in cells:
        if cell.image_score.anomaly_map is not None:
            by_kind.setdefault(kind_of(cell), []).append(own_scale(cell))
    if by_kind:
        lines = [
            f"{upper_variable(kind)} = max([{', '.join(dict.fromkeys(scales))}])" for kind, scales in by_kind.items()
        ]
        yield Cell("markdown", SCALES)
        yield Cell("code", "\n".join(lines))


def own_scale(cell: ImageResult) -> str:
    """Write the expression of the upper end of a result's own scale."""
    if kind_of(cell) == STANDARDISED:
        return f"{adaptation_variable(cell)}.threshold.value"
    checkpoint, scoring = cell.request
    return call("gnl.map_scale", run_variable(checkpoint), **settings_of_scores(checkpoint, scoring))


def upper_variable(kind: str) -> str:
    """Return the variable that holds the upper end of the scale of comparable maps."""
    return f"{kind.split(maxsplit=1)[0]}_upper"


def result_cells(cell: ImageResult) -> Iterator[Cell]:
    """Write the heading, the score and the map of a result; only the score of a method without maps."""
    checkpoint, scoring = cell.request
    run = run_variable(checkpoint)
    adaptation = [f"adaptation={adaptation_variable(cell)}"] if cell.adapted else []
    settings = {} if cell.adapted else settings_of_scores(checkpoint, scoring)
    yield Cell("markdown", f"## {escape_markdown(cell.title)}")
    yield Cell("code", call("gnl.score_image", run, "image", *adaptation, **settings))
    if cell.image_score.anomaly_map is not None:
        upper = f"upper={upper_variable(kind_of(cell))}"
        yield Cell("code", call("gnl.show_map", run, "image", upper, *adaptation, **settings))
