"""A gallery of images, each a link to Inspect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.display.components import component


def draw_gallery(tiles: Sequence[dict[str, Any]]) -> None:
    """Draw the tiles.

    Args:
        tiles: For each, its `pictures`, one or two data URLs; its caption in the parts `shown`, `label`, `score` and
            `place`; the picture's `alternative` text; and the `address` that it links to.
    """
    draw = component(
        "gallery",
        html='<ul class="gnl-tiles"></ul>',
        css=("gallery.css",),
        js=("link.js", "gallery.js"),
        isolated=False,
    )
    draw(key="tiles", data={"tiles": list(tiles)})
