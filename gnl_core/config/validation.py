"""Check settings, and say in one sentence which of them are invalid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gnl_core.messages import quote, shorten

SHOWN_FINDINGS = 3  # of invalid settings in a message
LONGEST_FINDINGS = 200  # characters of them; the first is shown in any case


class SettingsRecord(BaseModel):
    """A group of settings: checked, finite and immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Record = TypeVar("Record", bound=SettingsRecord)


def check(kind: type[Record], values: dict[str, Any]) -> Record:
    """Create a record of settings; if some are invalid, say which in one sentence."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise ValueError(describe_invalid(error)) from None


def list_findings(findings: Sequence[str]) -> str:
    """Join what is wrong with several settings, as far as a sentence has room for it, and count the others."""
    shown = list(findings[:SHOWN_FINDINGS])
    while len(shown) > 1 and len("; ".join(shown)) > LONGEST_FINDINGS:
        shown.pop()
    more = [f"and {len(findings) - len(shown)} more"] if len(findings) > len(shown) else []
    return f"invalid settings: {'; '.join([*shown, *more])}"


def describe_invalid(error: ValidationError) -> str:
    """Turn pydantic's findings into one sentence."""
    findings = []
    for finding in error.errors():
        reason = finding["msg"].removeprefix("Value error, ")
        place = f"{shorten(str(finding['loc'][0]))} = {quote(finding['input'])}: " if finding["loc"] else ""
        findings.append(f"{place}{reason}")
    return list_findings(findings)
