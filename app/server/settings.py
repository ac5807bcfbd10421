"""The settings of a server, from the file in $GNL_CONFIG and from environment variables. docs/server.md lists them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError, field_validator

from gnl_core.config.validation import describe_invalid
from gnl_core.config.values import EngineName
from gnl_core.files import UnreadableFileError, read_text
from gnl_core.messages import as_sentence, quote

FILE = "GNL_CONFIG"  # names the file; without it, no file is read
PREFIX = "GNL_"  # of each key's environment variable
SEPARATORS = MappingProxyType({"roots": os.pathsep, "listed_runs": ","})  # of lists in environment variables
Mode = Literal["personal", "shared", "public"]


class Limits(BaseModel):
    """What one server computes and keeps.

    Attributes:
        upload_mb: Size of an uploaded image's file.
        upload_megapixels: Size of an uploaded image.
        images_per_request: Images of a domain that the pages score or adapt to.
        jobs_per_person: Trainings of one person that run or wait.
        queue_length: Trainings of all people that wait or are about to start.
        runs_gb: Space of all runs, checked before a training or an import starts.
        cache_entries: Results of each kind that stay in memory.
        cache_mb: Their size, per kind.
        computations_at_once: Scorings, adaptations and measurements of all people that run together; others wait.
        computations_per_minute: Scorings, adaptations and measurements that one person starts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    upload_mb: PositiveInt
    upload_megapixels: PositiveInt
    images_per_request: PositiveInt
    jobs_per_person: NonNegativeInt
    queue_length: PositiveInt
    runs_gb: PositiveInt
    cache_entries: PositiveInt
    cache_mb: PositiveInt
    computations_at_once: PositiveInt
    computations_per_minute: PositiveInt


PERSONAL = MappingProxyType(
    {
        "upload_mb": 10,
        "upload_megapixels": 24,
        "images_per_request": 1_000_000,
        "jobs_per_person": 9,  # one that runs, eight that wait
        "queue_length": 8,
        "runs_gb": 10_000,
        "cache_entries": 256,
        "cache_mb": 1024,
        "computations_at_once": 2,
        "computations_per_minute": 10_000,
    }
)
SHARED = MappingProxyType(
    dict(PERSONAL) | {"images_per_request": 20_000, "jobs_per_person": 3, "runs_gb": 100, "computations_per_minute": 60}
)
PUBLIC = MappingProxyType(
    dict(PERSONAL) | {"images_per_request": 5_000, "jobs_per_person": 0, "runs_gb": 1, "computations_per_minute": 30}
)
LIMITS: Mapping[str, Mapping[str, int]] = MappingProxyType({"personal": PERSONAL, "shared": SHARED, "public": PUBLIC})


class ServerSettings(BaseModel):
    """The settings of a server.

    Attributes:
        mode: "personal" for one person on their own machine, "shared" for people who sign in, "public" for anybody.
        roots: Data folders that the app opens besides $GNL_DATA.
        listed_runs: Names of folders in $GNL_RUNS that a public server shows besides the bundled runs.
        engine: What computes the teacher in scoring; None for the engine in each run's settings.
        limits: What the server computes and keeps; limits that are left out are those of the mode.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "personal"
    roots: tuple[Path, ...] = ()
    listed_runs: tuple[str, ...] = ()
    engine: EngineName | None = None
    limits: Limits

    @field_validator("roots")
    @classmethod
    def check_absolute(cls, roots: tuple[Path, ...]) -> tuple[Path, ...]:
        """Check that every root is an absolute path."""
        for root in roots:
            if not root.is_absolute():
                raise ValueError(f"{str(root)!r} is not an absolute path; write the whole path")
        return roots


def read_settings(environ: Mapping[str, str]) -> ServerSettings:
    """Read the settings of a server; environment variables take precedence over the file.

    Args:
        environ: The environment; an empty variable counts as unset.

    Raises:
        ValueError: If the file cannot be read, or a setting is unknown or invalid; the message says which.
    """
    file = environ.get(FILE)
    given = read_file(Path(file)) if file else {}
    limits = given.pop("limits", {})
    try:
        if not isinstance(limits, dict):
            raise TypeError(f"invalid settings: limits = {quote(limits)} is not a table")
        given |= {name: value for name in ("mode", "engine", *SEPARATORS) if (value := read_variable(environ, name))}
        limits |= {name: value for name in Limits.model_fields if (value := read_variable(environ, name))}
        usual = LIMITS.get(str(given.get("mode", "personal")), PERSONAL)
        return ServerSettings(**given, limits=Limits(**(dict(usual) | limits)))
    except (ValidationError, TypeError) as error:
        found = describe_invalid(error) if isinstance(error, ValidationError) else str(error)
        raise ValueError(as_sentence(f"the server has {found}; correct {file or 'the environment'}")) from None


def read_file(path: Path) -> dict[str, Any]:
    """Read the settings in a file.

    Raises:
        ValueError: If it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(read_text(path))
    except (FileNotFoundError, UnreadableFileError) as error:
        raise ValueError(as_sentence(f"{error}; correct ${FILE}, or unset it")) from None
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits, or of deep nesting
        raise ValueError(as_sentence(f"{path} is not valid TOML: {error}; correct it")) from None


def read_variable(environ: Mapping[str, str], name: str) -> Any:
    """Read the environment variable of a setting: a text, or a list of texts; None if it is unset."""
    text = environ.get(PREFIX + name.upper())
    if not text or name not in SEPARATORS:
        return text or None
    return [part.strip() for part in text.split(SEPARATORS[name]) if part.strip()]
