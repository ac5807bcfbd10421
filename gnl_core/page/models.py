"""Export detectors for a page that scores images itself, with images as they read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from gnl_core.datasets import find_dataset
from gnl_core.datasets.base import Item
from gnl_core.datasets.fitting import fit_image
from gnl_core.page.collect import LoadedRun
from gnl_core.page.records import InputSheet, Model
from gnl_core.page.runtime import pack
from gnl_core.page.sprites import lossless_sheet
from gnl_core.runs.exports import describe_run, export_run
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, resolve_scoring

MOST_BYTES = 40_000_000  # of a page: more would open slowly, and no mail would take it
PER_DOMAIN = 8  # images of a domain that can be scored, and painted, without a file


def check_size(count: int) -> None:
    """Refuse a page of more than `MOST_BYTES`.

    Raises:
        ValueError: If it has more; the message says what makes it smaller.
    """
    if count > MOST_BYTES:
        raise ValueError(
            f"the page would have {count / 10**6:.1f} MB with its models, and at most {MOST_BYTES / 10**6:.0f} MB open "
            "well in a browser; give fewer runs, fewer domains (--domain), or leave out --with-model"
        )


def collect_models(
    loaded: Sequence[LoadedRun], *, domains: Sequence[str] | None, explain: Callable[[str], None]
) -> list[Model]:
    """Export runs for a page, one model per method, with images to begin with.

    Args:
        loaded: The runs, one per method.
        domains: The shifted domains, as for `gnl_core.page.collect.collect_view`.
        explain: Called with a line before each export.

    Raises:
        ValueError: If a run cannot be exported, an image cannot be read, or the models are too large.
    """
    models = []
    for one in loaded:
        explain(f"{one.folder.path.name}: exporting the detector")
        models.append(make_model(one.run, domains))
        check_size(sum(len(model.content) for model in models))
    return models


def make_model(run: Run, domains: Sequence[str] | None) -> Model:
    """Export one run, with images of its in-distribution domain and of shifted ones."""
    if run.config.resize != "stretch":
        raise ValueError(
            f"a page with a model stretches the images that it scores, and this run was trained with --resize "
            f"{run.config.resize}; leave out --with-model, or train with --resize stretch"
        )
    if run.config.tile_size is not None:
        raise ValueError(
            "a page with a model scores whole images, and this run scores them in tiles; leave out --with-model, or "
            "train without --tile-size"
        )
    spec = find_dataset(run.config.dataset, run.config.data_root)
    shown = dict.fromkeys([spec.in_distribution, *(spec.domains if domains is None else domains)])
    height, width = run.config.image_size
    sheets = {domain: input_sheet(list_domain(run.config, domain), run.config.image_size) for domain in shown}
    scoring = resolve_scoring(run, style_weight=0.0, scoring_precision="32-true")
    content = export_run(run, scoring, facts=describe_run(run, scoring, threshold=None))  # takes seconds, so last
    return Model(width, height, sheets, pack(content))


def input_sheet(items: Sequence[Item], size: tuple[int, int]) -> InputSheet:
    """Resize some images of a domain as for scoring, to a size (height, width)."""
    rows = spread_rows([item.label for item in items], most=PER_DOMAIN)
    images = torch.stack([fit_image(items[row].read(), size).pixels for row in rows])
    return InputSheet(*lossless_sheet(images.permute(0, 2, 3, 1).numpy()), rows)


def spread_rows(labels: Sequence[int], *, most: int) -> list[int]:
    """Choose positions that are spread evenly over the images of each label, about as many of each."""
    kinds = sorted(set(labels))
    chosen: list[int] = []
    for kind in kinds:
        positions = np.flatnonzero(np.array(labels) == kind)
        places = np.linspace(0, len(positions) - 1, min(len(positions), most // len(kinds))).round().astype(int)
        chosen += positions[places].tolist()
    return chosen
