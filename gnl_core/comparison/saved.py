"""The form of comparison.json, checked when it is read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MEAN = "mean"  # in place of a class: the mean over all of them
MEASURED, PUBLISHED = "measured", "published"
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Saved(BaseModel):
    """What all parts have in common: numbers are finite; what a later version adds is left aside."""

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
    runs: int | None


class SavedRow(Saved):
    """One row of a table."""

    source: Literal["measured", "published"]
    detector: str
    style_weight: float | None
    training_seconds: float | None
    runs: int | None = None
    values: dict[str, SavedNumber]


class SavedCounts(Saved):
    """How many test images a domain has for a class."""

    n_normal: int
    n_anomalous: int


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

    @model_validator(mode="after")
    def check_tables(self) -> SavedComparison:
        """A table for the mean and for each class, and something measured in it."""
        missing = [name for name in (MEAN, *self.classes) if name not in self.tables]
        if missing:
            raise ValueError(f"it has no table of {', '.join(missing)}")
        if not any(row.source == MEASURED for row in self.tables[MEAN]):
            raise ValueError("nothing in it is measured")
        return self


def check_saved(content: bytes) -> SavedComparison:
    """Check what a file holds.

    Raises:
        ValueError: The first thing that is wrong with it.
    """
    try:
        return SavedComparison.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
