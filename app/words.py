"""Names of things on the pages, and formats of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gnl_core import percentages
from gnl_core.comparison import text
from gnl_core.messages import as_sentence
from gnl_core.plots.style import LABEL_NAMES
from gnl_core.tables import escape_markdown

COLUMN_NAMES = {  # columns of a comparison's table other than the domains
    "method": "Method",
    "mean shift": "Mean shift",
    "worst shift": "Worst shift",
    "ID cost": "ID cost",
}
ALL = "all"  # placeholder of an empty multiple choice
LABEL_WORDS = {0: f":blue[{LABEL_NAMES[0]}]", 1: f":orange[{LABEL_NAMES[1]}]", -1: LABEL_NAMES[-1]}
SETTING_NAMES = {
    "smoothing_sigma_px": "Smoothing, px",
    "top_percent": "Top, %",
    "holdout_percent": "Held out, %",
    "tile_overlap_percent": "Tile overlap, %",
}

DIRECTIVE = re.compile(r":(?=\w)")  # begins a colour or a badge in Streamlit

FDM_HELP = (
    "Feature distribution matching: moves the sorted values of each feature channel toward those of normal training "
    "images. Strength α = 0 is off; α = 1 gives them the training images' distribution."
)
REGION_HELP = (
    "A black and white PNG of the images' shape. What is black counts neither for the score nor for pixel metrics. "
    "Without a file, every pixel counts."
)
EXPLORE_STRENGTH_HELP = (
    "The strength used in the summary, the charts and the gallery. The slider below the charts changes only the "
    "charts, without computing anything."
)
STRENGTH_HELP = "The strength of matching wherever FDM is on: 0 is off, 1 takes the reference's values."
FDM_SETTINGS_NOTE = (
    "Where matching acts, where its reference comes from, and how a map becomes a score. These settings change no "
    "weights."
)
ADAPT_HELP = (
    "Adapts every method to the shifted domain from a few of its images, without training: it matches the domain's "
    "features, or standardises anomaly maps by position, or does neither, as the images call for. There, it takes the "
    "place of FDM. The images adapted to are left out of all numbers."
)
TRAY_HELP = "Images drawn from the shifted domain, a tenth of them anomalous, as a line that mostly runs well gives."
NORMAL_TRAY_HELP = "Normal images drawn from the shifted domain, known to be normal."
AUROC_HELP = "The probability that an anomalous image scores above a normal one: 0.5 is chance level, 1 is perfect."
SHIFT_SCORE_HELP = (
    "The distance between the teacher's features of these images and those of the training images, in units of the "
    "training images' own spread: about 0.4 for normal images like these; anomalous ones raise it. "
    "Above 1, these images are farther from the training images than those are from each other."
)
NO_SHIFT_SCORE = "– (its unit is the spread of at least two different training images; the checkpoint stores fewer)"
CORRUPTION_HELP = (
    "Typical camera corruptions in five severities, applied at the image's native size. They follow ImageNet-C where "
    "it defines them; the others are our own."
)
SHIFTED_HELP = "The same task on images that look different: normal images should still score low."
FOLDER_HELP = "A folder on the machine where this app runs: type or paste its path. The app only reads it."
ROOT_HELP = (
    "Type or paste the path of your data folder above, or set `GNL_DATA` to it before you start the app. "
    "`gnl data list` lists the data sets in it."
)
FOLDER_LAYOUT = """\
**Show a folder of your own.** Type or paste its path above, or start the app with `GNL_DATA` set to it.

```
train/good/                       normal images, the only ones used for training
test/lamp/good/   hole/   stain/  in-distribution: the first domain by name,
                                  or the domain in_distribution
test/window/good/ hole/   stain/  shifted
ground_truth/lamp/hole/           optional masks: 000_mask.png for 000.png
```

Choose any names for domains and defects; `good` may also be called `OK` or `normal`, for example. A category of MVTec
AD, VisA or BTAD can be used as it is. Without labels, normal images in `train/` and others in `test/` are enough: you
get scores and maps, but no AUROC. If there are only `good/` and `bad/`, about a fifth of the normal images is kept for
testing.
"""
TABLE_LAYOUT = """\
**Show images that a CSV file names.** Type or paste the path of its folder above, or start the app with `GNL_DATA` set
to it. The file is called `images.csv`, or is the only CSV file in the folder.

```
path,split,label,domain,mask
lamp/001.png,train,good,lamp,
lamp/007.png,test,good,lamp,
lamp/008.png,test,hole,lamp,masks/008.png
window/003.png,test,0,window,
window/004.png,test,1,window,
```

Paths are below the folder. The domain of the training images is the in-distribution one. Labels are 0 or `good`, 1 or
`bad`, or a kind of defect. `path` and `split` are required: without labels you get scores and maps, but no AUROC.
"""


def plain(text: object) -> str:
    """Escape a text from a file, a folder's name or an address for Markdown, so that a page shows it as it is.

    Every text that Streamlit draws is Markdown, except options of select boxes, placeholders, and what `st.text` and
    `st.code` show.

    Args:
        text: The text, or an error whose message is the text.

    Returns:
        Markdown on one line; of an error, at most 400 characters are shown.
    """
    shown = as_sentence(str(text)) if isinstance(text, Exception) else str(text)
    return DIRECTIVE.sub(r"\\:", escape_markdown(shown))


def code(text: str) -> str:
    """Format a text from a file as inline code in Markdown, whose fence is longer than any in the text."""
    line = " ".join(text.splitlines())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if len(fence) > 1 else f"{fence}{line}{fence}"


def setting_name(name: str) -> str:
    """Return the display name of a field of the settings."""
    return SETTING_NAMES.get(name, name.replace("_", " ").capitalize())


def capitalised(words: str) -> str:
    """Capitalise the first letter; unlike `str.capitalize`, leave the rest unchanged."""
    return words[:1].upper() + words[1:]


def counted(count: int, thing: str) -> str:
    """Format a count with its noun, in the plural where needed."""
    plural = f"{thing}es" if thing.endswith("s") else f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{count} {thing if count == 1 else plural}"


def sentence_list(names: Sequence[str]) -> str:
    """Join names as in a sentence: "a, b and c"."""
    return " and ".join([*([", ".join(names[:-1])] if names[:-1] else []), *names[-1:]])


def percent(share: float, *, decimals: int = 0) -> str:
    """Format a share as a percentage on one line, a measured one without decimals."""
    return percentages.percent(share, decimals=decimals).replace(" ", "\N{NO-BREAK SPACE}")


def exact_percent(share: float) -> str:
    """Format a share that is a setting as a percentage with all its digits, such as 99.5 %."""
    return percent(share, decimals=6)


def duration(seconds: float) -> str:
    """Format a duration: in seconds up to a minute and a half, then in minutes."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def points(share: float, *, signed: bool = False) -> str:
    """Format a share in percent, or a difference in percentage points, with one decimal."""
    return with_minus(text.percent(share, signed=signed))


def signed(delta: float) -> str:
    """Format a difference with its sign and two decimals."""
    return with_minus(f"{delta:+.2f}")


def with_minus(number: str) -> str:
    """Replace the hyphen of a formatted number by a minus sign."""
    return number.replace("-", "−")


def interval(bounds: tuple[float, float] | None) -> str:
    """Format a 95 % interval; an empty string for None."""
    return "" if bounds is None else f"{bounds[0]:.2f}–{bounds[1]:.2f}"
