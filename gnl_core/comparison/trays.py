"""Which trays a comparison puts to use: images of each domain that methods are adapted to, or that join their bank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from gnl_core.config import RunConfig
from gnl_core.detectors import DETECTORS, find_method
from gnl_core.detectors.bank import BankDetector
from gnl_core.runs.trays import TrayUse

KINDS: Mapping[str, TrayUse] = MappingProxyType(
    {
        "unlabelled": TrayUse("adapted", "unlabelled", 0),
        "normal": TrayUse("adapted", "normal", 0),
        "bank": TrayUse("bank", "normal", 0),
    }
)
SEPARATOR = ":"


def parse_uses(requests: Sequence[str], *, detectors: Sequence[str]) -> tuple[TrayUse, ...]:
    """Parse requests such as "unlabelled:16", "normal:8" or "bank:8".

    Args:
        requests: What is requested for every method that can do it.
        detectors: The methods of the comparison.

    Raises:
        ValueError: If a kind is unknown, a number is not a whole number of at least 1, a request is repeated, or
            no method has a bank to which images could be added.
    """
    uses = tuple(parse_use(request) for request in requests)
    repeated = next((use for position, use in enumerate(uses) if use in uses[:position]), None)
    if repeated is not None:
        raise ValueError(f"--adapt names {repeated.request} twice; leave one of them out")
    if any(use.way == "bank" for use in uses) and not any(map(has_bank, detectors)):
        raise ValueError(
            f"--adapt bank needs a method with a bank; add one of: {', '.join(filter(has_bank, DETECTORS))}"
        )
    return uses


def parse_use(request: str) -> TrayUse:
    """Parse one request; see `parse_uses`."""
    kind, _, size = request.partition(SEPARATOR)
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r} in --adapt {request}; choose one of: {', '.join(KINDS)}")
    if not (size.isascii() and size.isdecimal() and int(size) >= 1):
        raise ValueError(
            f"--adapt {kind} needs a whole number of images of at least 1, got {size!r}; write {kind}:8, for example"
        )
    return KINDS[kind]._replace(size=int(size))


def uses_of(detector: str, uses: Sequence[TrayUse]) -> Iterator[TrayUse]:
    """Yield what a method's rows show: for each tray, the method as it is without these images, then each use."""
    for tray in dict.fromkeys(use.tray for use in uses):
        own = [use for use in uses if use.tray == tray]
        yield own[0]._replace(way="none")
        yield from (use for use in own if use.way != "bank" or has_bank(detector))


def has_bank(detector: str) -> bool:
    """Return whether a method keeps features of normal images in a bank."""
    return issubclass(find_method(detector), BankDetector)


def reason_against(config: RunConfig, use: TrayUse) -> str | None:
    """Return the reason why a run cannot put any tray to this use, or None."""
    if use.way != "adapted":
        return None
    if not find_method(config.detector).matches:
        return f"{config.detector} cannot be adapted, because it has no feature matching"
    if not config.stored_references:
        return f"{config.detector} cannot be adapted, because its runs store no references (--stored-references 0)"
    return None
