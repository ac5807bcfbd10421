"""What things are called on the pages, and how numbers are written."""

from __future__ import annotations

from collections.abc import Sequence

from gnl_core.comparison import text
from gnl_core.datasets import DATASETS, FOLDER
from gnl_core.datasets.corruptions import parse_shift
from gnl_core.datasets.shifts import split_domain
from gnl_core.plots.style import LABEL_NAMES

DATASET_NAMES = {
    "digits": "Digits",
    "parts": "Parts (rendered)",
    "mnist": "MNIST",
    "pacs": "PACS",
    "mvtec": "MVTec AD",
    "cifar10": "CIFAR-10",
    "folder": "Your own images",
}
DOMAIN_NAMES = {
    "digits": "as written",
    "digits_m": "blended with photographs",
    "parts": "in the usual light",
    "parts_lighting": "lit from another side",
    "parts_bright": "overexposed",
    "parts_background": "on another background",
    "parts_blur": "out of focus",
    "parts_noise": "with sensor noise",
    "mnist": "as written",
    "mnist_m": "blended with photographs",
    "photo": "in photos",
    "art_painting": "in art paintings",
    "cartoon": "in cartoons",
    "sketch": "in sketches",
    "mvtec": "as photographed",
    "cifar10": "as photographed",
    "train": "learnt from",
}
CORRUPTION_NAMES = {"jpeg": "JPEG"}
COLUMN_NAMES = {  # of a comparison's table, besides the domains
    "method": "Method",
    "mean shift": "Mean shift",
    "worst shift": "Worst shift",
    "ID cost": "ID cost",
}
ALL = "all"  # what an empty choice of several means, where it says so
TEACHER_NAMES = {
    "efficientnet_lite0": "EfficientNet-Lite0",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "wide_resnet50_2": "Wide ResNet-50-2",
}
LABEL_WORDS = {0: f":blue[{LABEL_NAMES[0]}]", 1: f":orange[{LABEL_NAMES[1]}]", -1: LABEL_NAMES[-1]}
SETTING_NAMES = {"smoothing_sigma_px": "Smoothing, px", "top_percent": "Top, %", "holdout_percent": "Held out, %"}

FDM_HELP = (
    "Feature distribution matching: the values of each feature channel are replaced, in order of size, by those "
    "of normal training images. Strength α = 0 is off, 1 takes the training images' distribution."
)
STRENGTH_HELP = (
    "The strength that the finding, the figures and the gallery are about. The slider under the figures moves these "
    "alone, and at once."
)
INSPECT_STRENGTH_HELP = "The strength of matching wherever it says FDM on: 0 is off, 1 takes the reference's values."
FDM_SETTINGS_NOTE = (
    "Where matching acts, what it takes its reference from, and how a map becomes a score. None of it changes a weight."
)
AUROC_HELP = "The chance that an anomalous image scores above a normal one: 0.5 is guessing, 1 is perfect."
SHIFT_SCORE_HELP = (
    "How far the teacher's features of these images lie from those of the training images, in units of the training "
    "images' own spread: normal images like these give about 0.4, anomalous ones raise it; above 1 is farther away "
    "than they are from each other."
)
NO_SHIFT_SCORE = "– (its unit is the spread among two or more different training images; the checkpoint keeps fewer)"
CORRUPTION_HELP = (
    "What a camera does to an image, at the image's own size, in five severities. ImageNet-C's where it has them; the "
    "others are ours."
)
SHIFTED_HELP = "The same task on images that look different: normal images should still score low."
FOLDER_HELP = (
    "A folder on the machine where this app runs: type or paste its path. It stays where it is and is only read."
)
ROOT_HELP = (
    "Type or paste the path of your data folder above. If the app is started with `GNL_DATA` set to it, nothing need "
    "be typed. `gnl data list` says what it finds there."
)
FOLDER_LAYOUT = """\
**Show a folder of your own.** Type or paste its path above, or start the app with `GNL_DATA` set to it.

```
train/good/                       normal images, the only ones that are learnt from
test/lamp/good/   hole/   stain/  in-distribution: the first domain by name,
                                  or one called in_distribution
test/window/good/ hole/   stain/  shifted
ground_truth/lamp/hole/           masks, if you have some: 000_mask.png for 000.png
```

The names of domains and defects are yours; `good` may also be called `OK` or `normal`, for example. A category of MVTec
AD, VisA or BTAD can be read as it is. Without labels, normal images in `train/` and others in `test/` are enough: you
get scores and maps, but no AUROC. Of `good/` and `bad/` alone, about a fifth of the normal images is kept for testing.
"""


def name_of(names: dict[str, str], key: str) -> str:
    """The page's word for a key; the key itself where there is none."""
    return names.get(key, key)


def domain_name(domain: str) -> str:
    """The page's words for a domain, with its corruption if it has one."""
    base, shift = split_domain(domain)
    if not shift:
        return DOMAIN_NAMES.get(base, f"in “{base}”")
    corruption, severity = parse_shift(shift)
    return f"under {corruption_name(corruption)}, severity {severity}"


def corruption_name(corruption: str) -> str:
    """The page's words for a corruption."""
    return CORRUPTION_NAMES.get(corruption, corruption.replace("_", " "))


def task_name(dataset: str, normal_class: str) -> str:
    """What is to be told apart, as in "4 from the rest"."""
    if dataset == FOLDER:
        return "good images from defects"
    defects = DATASETS[dataset].anomalies == "defects"
    return f"good {normal_class} from defects" if defects else f"{normal_class} from the rest"


def setting_name(name: str) -> str:
    """The page's word for a field of the settings."""
    return SETTING_NAMES.get(name, name.replace("_", " ").capitalize())


def capitalised(words: str) -> str:
    """A text that begins with a capital; the rest stays as it is, unlike `str.capitalize`."""
    return words[:1].upper() + words[1:]


def counted(count: int, thing: str) -> str:
    """A number of things, the noun in its plural where it needs one."""
    plural = f"{thing}es" if thing.endswith("s") else f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{count} {thing if count == 1 else plural}"


def sentence_list(names: Sequence[str]) -> str:
    """Names as a sentence has them: "a, b and c"."""
    return " and ".join([*([", ".join(names[:-1])] if names[:-1] else []), *names[-1:]])


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def exact_percent(share: float) -> str:
    """A share as a percentage with all its digits, such as 99.5 %."""
    return f"{100 * share:g}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """A time as one says it: seconds up to a minute and a half, then minutes."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def points(share: float, *, signed: bool = False) -> str:
    """A share in percent, or a difference in its points, with one decimal."""
    return with_minus(text.percent(share, signed=signed))


def signed(delta: float) -> str:
    """A difference with its sign, two decimals."""
    return with_minus(f"{delta:+.2f}")


def with_minus(number: str) -> str:
    """A written number with a minus sign in place of the hyphen."""
    return number.replace("-", "−")


def interval(bounds: tuple[float, float] | None) -> str:
    """A 95 % interval, or nothing."""
    return "" if bounds is None else f"{bounds[0]:.2f}–{bounds[1]:.2f}"
