"""What things are called on the pages, and how numbers are written."""

from __future__ import annotations

from gnl_core.datasets.corruptions import parse_shift
from gnl_core.datasets.shifts import split_domain

DATASET_NAMES = {"digits": "Digits"}
DOMAIN_NAMES = {"digits": "as written", "digits_m": "blended with photographs"}
DETECTOR_NAMES = {"both": "Both", "rd4ad": "RD4AD", "gnl": "GNL"}
TEACHER_NAMES = {"efficientnet_lite0": "EfficientNet-Lite0", "resnet18": "ResNet-18", "resnet50": "ResNet-50"}
LABEL_WORDS = {0: ":blue[normal]", 1: ":orange[anomalous]"}

FDM_HELP = (
    "Feature distribution matching: the values of each feature channel are replaced, in order of size, by those "
    "of normal training images. Strength α = 0 is off, 1 takes the training images' distribution."
)
AUROC_HELP = "The chance that an anomalous image scores above a normal one: 0.5 is guessing, 1 is perfect."
IN_DISTRIBUTION_HELP = "Images like those of the training."
SHIFTED_HELP = "The same task on images that look different: normal images should still score low."


def name_of(names: dict[str, str], key: str) -> str:
    """The page's word for a key; the key itself where there is none."""
    return names.get(key, key)


def domain_name(domain: str) -> str:
    """The page's words for a domain, with its corruption if it has one."""
    base, shift = split_domain(domain)
    if not shift:
        return name_of(DOMAIN_NAMES, base)
    corruption, severity = parse_shift(shift)
    return f"under {corruption.replace('_', ' ')}, severity {severity}"


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return f"{100 * share:.0f} %"


def signed(delta: float) -> str:
    """A difference with its sign, two decimals."""
    return f"{delta:+.2f}".replace("-", "−")


def interval(bounds: tuple[float, float] | None) -> str:
    """A 95 % interval, or nothing."""
    return "" if bounds is None else f"{bounds[0]:.2f}–{bounds[1]:.2f}"
