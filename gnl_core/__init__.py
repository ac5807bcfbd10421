"""Image anomaly detection under distribution shift: GNL and its baselines.

The names of `gnl_core.api` are the public interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gnl_core import api

if TYPE_CHECKING:
    from gnl_core.api import *  # noqa: F403 (all of them are public)
else:
    __all__ = api.__all__


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in api.PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(api, name)


def __dir__() -> list[str]:
    """List the public names, including those not yet imported."""
    return sorted({*globals(), *api.PLACES})
