"""The beginning of a page about one view: its choices, and a message if what they show is impossible."""

from __future__ import annotations

from collections.abc import Callable

from app.checkpoints import Checkpoint
from app.controls.fdm import STRENGTHS
from app.controls.selection import adopt_selection
from app.controls.view import ChooseShift, View, checkpoints_of, choose_view
from app.display.unreadable import reporting_errors


def draw_view(draw: Callable[[View, list[Checkpoint]], None], *, named: str, shift: ChooseShift | None = None) -> None:
    """Draw the choices of a view and what the page shows of it; say so if it cannot be shown.

    Args:
        draw: Draws the rest of the page from the view and the runs trained for it.
        named: What it draws, such as "This image", for the message.
        shift: Draws the choice of the shifted domain, as in `choose_view`.
    """
    adopt_selection(STRENGTHS)
    view, everything = choose_view(shift=shift)
    if view is not None:
        with reporting_errors(named):
            draw(view, checkpoints_of(view, everything))
