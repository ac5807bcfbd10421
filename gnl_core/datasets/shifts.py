"""Apply any corruption to any domain: "mvtec+defocus_blur:3" is the domain "mvtec" with defocus blur."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial

from gnl_core.datasets.base import DatasetSpec, Image, Item
from gnl_core.datasets.corruptions import corrupt, parse_shift

MARK = "+"


def shifted_domain(domain: str, shift: str) -> str:
    """Name a domain under a corruption, such as "defocus_blur:3".

    Raises:
        ValueError: If there is no such corruption or severity.
    """
    parse_shift(shift)
    return f"{domain}{MARK}{shift}"


def split_domain(domain: str) -> tuple[str, str]:
    """Split a domain's name into domain and corruption; an empty string without corruption."""
    base, _, shift = domain.partition(MARK)
    return base, shift


def base_domains(spec: DatasetSpec) -> list[str]:
    """List a data set's domains without corruptions."""
    return list(dict.fromkeys(split_domain(domain)[0] for domain in spec.domains))


def shift_items(items: list[Item], shift: str) -> list[Item]:
    """Corrupt items at native size; masks do not change.

    Raises:
        ValueError: If there is no such corruption or severity.
    """
    name, severity = parse_shift(shift)
    return [
        item._replace(
            read=partial(read_corrupted, item.read, name, severity=severity, seed=zlib.crc32(item.path.encode())),
            domain=f"{item.domain}{MARK}{shift}",
        )
        for item in items
    ]


def read_corrupted(read: Callable[[], Image], name: str, *, severity: int, seed: int) -> Image:
    """Read an image and corrupt it."""
    return corrupt(read(), name, severity=severity, seed=seed)
