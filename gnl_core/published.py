"""The results of the paper's supplement, as published; none is measured here.

`published_auroc.csv` contains its three tables, one number per row: AUROC in percent on MNIST (also tested on
MNIST-M) and PACS. Read them with care: the columns of Deep-SVDD and f-AnoGAN for the digits 5-9 repeat those for
0-4 to within 0.16, and single numbers, such as f-AnoGAN on guitar under sketch (96.94), differ widely from
their neighbours. Backbone, image size and training differ from our defaults.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

PUBLISHED_NAMES = {  # key of DETECTORS to name in the supplement
    "deep_svdd": "Deep-SVDD",
    "f_anogan": "f-AnoGAN",
    "kdad": "KDAD",
    "rd4ad": "RD4AD",
    "rd4ad_augmix": "Augmix",
    "rd4ad_mixstyle": "Mixstyle",
    "rd4ad_efdm": "EFDM",
    "rd4ad_jigsaw": "Jigsaw",
    "gnl": "GNL",
}


def published_auroc(dataset: str, detector: str, domain: str, *, classes: Sequence[str]) -> float | None:
    """Average the published AUROCs over exactly these classes.

    Returns:
        The mean in [0, 1], or None if any of them was not published.
    """
    name = PUBLISHED_NAMES.get(detector, "")
    values = [published_numbers().get((dataset, name, normal_class, domain)) for normal_class in classes]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) / 100 if known and len(known) == len(values) else None


@cache
def published_numbers() -> dict[tuple[str, str, str, str], float]:
    """Read the published results: data set, method, normal class and domain to AUROC in percent."""
    with files("gnl_core").joinpath("published_auroc.csv").open(encoding="utf-8") as stream:
        return {
            (row["dataset"], row["method"], row["normal_class"], row["domain"]): float(row["auroc_percent"])
            for row in csv.DictReader(stream)
        }
