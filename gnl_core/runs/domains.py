"""The domains of a run: those of its data set, and two of its own, which divide the normal training images."""

from __future__ import annotations

from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.shifts import base_domains, split_domain
from gnl_core.messages import quote

TRAIN = "train"  # the images that the run learns from
HELD_OUT = "held_out"  # the images that it keeps for its threshold


def check_domain(spec: DatasetSpec, domain: str) -> None:
    """Refuse a domain, with or without a corruption, that runs on a data set do not have.

    Raises:
        ValueError: If it is neither one of the data set's nor TRAIN or HELD_OUT.
    """
    known = (*base_domains(spec), TRAIN, HELD_OUT)
    if split_domain(domain)[0] not in known:
        raise ValueError(f"unknown domain {quote(domain)}; choose one of: {', '.join(known)}")
