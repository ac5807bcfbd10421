"""How a method is adapted, in words: the images, the way chosen and its reason, the threshold's promise."""

from __future__ import annotations

from app.words import counted, percent, plain
from gnl_core.adaptation.choice import Ways
from gnl_core.records import RecalibratedThreshold
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.trays import compose

UNIT = "Standardised scores are in standard deviations from what is usual at each place of the image"


def describe_tray(choice: TrayChoice) -> str:
    """Describe the images that methods are adapted to."""
    count, known_normal = choice
    if known_normal:
        return f"Adapted to {count} images, known to be normal"
    _, n_anomalous = compose(count, known_normal=False)
    share = percent(n_anomalous / count, decimals=1)
    return f"Adapted to {count} unlabelled images, {n_anomalous or 'none'} of them anomalous ({share})"


def describe_ways(ways: Ways) -> str:
    """Name the way chosen, and give the reason."""
    return f"{name_ways(ways)}; {plain(ways.reason)}"


def name_ways(ways: Ways) -> str:
    """Name the way chosen."""
    names = {
        "anomaly maps are standardised by position": ways.standardise,
        "the domain is matched": ways.match_domain and not ways.match_images,
        "the domain and each image are matched": ways.match_domain and ways.match_images,
    }
    return ", ".join(name for name, taken in names.items() if taken) or "only the threshold changes"


def describe_threshold(threshold: RecalibratedThreshold) -> str:
    """State what a threshold promises, or what it assumes."""
    if threshold.promised_rate is not None:
        return f"at most {percent(threshold.promised_rate, decimals=1)} false alarms on average over such images"
    share = percent(threshold.assumed_share or 0.0, decimals=1)
    return f"assumes {share} anomalies among the {counted(threshold.n, 'image')} adapted to; nothing is promised"
