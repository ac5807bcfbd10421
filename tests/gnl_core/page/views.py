"""A page's content by hand: two methods on twelve images of two domains."""

from __future__ import annotations

import numpy as np

from gnl_core.page.records import AdaptedPart, DomainPart, MethodPart, View
from gnl_core.page.sprites import image_sprite, map_colours, map_sprite

LABELS = [0] * 5 + [1] * 7
PLAIN = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2]  # separates perfectly
SHIFTED = [1.0, 1.1, 1.2, 1.3, 1.4, 0.9, 1.05, 1.15, 1.3, 1.5, 1.6, 1.7]
MATCHED = [0.3, 0.4, 0.5, 0.6, 0.9, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3]
ROWS = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
ADAPTED = [0.1, 0.1, 0.2, 0.3, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
HOSTILE = "</script><img src=x onerror=alert(1)>"


def make_view(*, name: str = "RD4AD", task: str = "4 from the rest") -> View:
    """A page whose first method can match and is adapted, and whose second has neither maps nor matching."""
    noise = np.random.default_rng(0)
    domains = [
        DomainPart(
            domain,
            title,
            LABELS,
            [f"{domain}/{index}.png" for index in range(12)],
            image_sprite(noise.integers(256, size=(12, 20, 20, 3)).astype(np.uint8)),
        )
        for domain, title in (("digits", "as written"), ("digits_m", "blended with photographs"))
    ]
    maps = [map_sprite(noise.random((12, 8, 8)).astype(np.float32)) for _ in range(2)]
    first = MethodPart(
        name=name,
        strengths=[0.0, 1.0],
        thresholds=[0.55, 0.65],
        scores={"digits": [PLAIN, PLAIN], "digits_m": [SHIFTED, MATCHED]},
        adapted={"digits_m": [AdaptedPart(1, True, "no shift", False, 0.4, ROWS, ADAPTED)]},
        maps={"digits": maps, "digits_m": maps},
        map_scale=0.5,
        origin="seed 0",
        command="gnl score run",
    )
    second = first._replace(
        name="Deep SVDD",
        strengths=[0.0],
        thresholds=[0.55],
        scores={"digits": [PLAIN], "digits_m": [PLAIN]},
        adapted={},
        maps={},
        map_scale=None,
    )
    return View("Digits", task, domains, [first, second], map_colours())
