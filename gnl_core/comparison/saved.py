"""The schema of comparison.json."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

MEAN = "mean"  # in place of a class: the mean over all of them
MEASURED, PUBLISHED = "measured", "published"
Count = Annotated[int, Field(ge=0, le=10**9)]  # of runs or images
Names = Annotated[tuple[str, ...], Field(min_length=1)]


def split_tray(value: object) -> object:
    """Split the name of a tray, such as "normal:8", into kind and number of images; return anything else unchanged."""
    return tuple(value.split(":")) if isinstance(value, str) else value


Tray = Annotated[
    tuple[Literal["unlabelled", "normal"], Annotated[int, Field(ge=1, le=10**9)]], BeforeValidator(split_tray)
]  # written as "normal:8"


class Saved(BaseModel):
    """Base of all parts: numbers must be finite, and unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class SavedNumber(Saved):
    """One number of a table, in percent."""

    percent: float
    low: float | None
    high: float | None
    sd_over_seeds: float | None
    difference: float | None
    difference_is_clear: bool | None
    domain: str | None
    runs: Count | None


class SavedRow(Saved):
    """One row of a table."""

    source: Literal["measured", "published"]
    detector: str
    style_weight: float | None
    adaptation: Literal["none", "adapted", "bank"] | None = None
    tray: Tray | None = None
    training_seconds: float | None
    runs: Count | None = None
    values: dict[str, SavedNumber]


class SavedCounts(Saved):
    """Numbers of test images of one class in one domain."""

    n_normal: Count
    n_anomalous: Count


class SavedComparison(Saved):
    """The whole file."""

    settings: dict[str, Any]
    in_distribution: str
    classes: Names
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    domains: Names
    columns: Names
    images: dict[str, dict[str, SavedCounts]]
    tables: dict[str, list[SavedRow]]
    diverged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()

    @model_validator(mode="after")
    def check_tables(self) -> SavedComparison:
        """Check that there are tables for the mean and each class, with at least one measured row."""
        missing = [name for name in (MEAN, *self.classes) if name not in self.tables]
        if missing:
            raise ValueError(f"it has no table for {', '.join(missing)}")
        if not any(row.source == MEASURED for row in self.tables[MEAN]):
            raise ValueError("it has no measured numbers")
        return self


def check_saved(content: bytes) -> SavedComparison:
    """Parse and check the content of a file.

    Raises:
        ValueError: If it is invalid; the message names the first error.
    """
    try:
        return SavedComparison.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
