"""List checkpoints and read their saved scores. Nothing here imports PyTorch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from app import PROJECT
from app.methods import WITHOUT_TEACHER
from app.server import rules
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets.listing import check_name
from gnl_core.files import WEIGHTS_BYTES, Version, hash_file, open_file, version_of
from gnl_core.records import Scores
from gnl_core.runs.adapted_scores import AdaptedScores, Entry, TrayChoice, read_adapted
from gnl_core.runs.discovery import list_runs
from gnl_core.runs.folder import RunFolder, read_config_once
from gnl_core.runs.reports import read_shift_scores
from gnl_core.runs.scores import Columns, read_saved_scores, select_engines, select_scores

BUNDLED = PROJECT / "assets" / "checkpoints"
MOST_HASHED = 8192  # runs; if there are more, each drawing of a page that uses them all hashes them again


class Checkpoint(NamedTuple):
    """A trained run that the pages can show.

    Attributes:
        folder: The run's folder.
        config: Its settings.
        version: The version of its checkpoint when it was listed.
    """

    folder: RunFolder
    config: RunConfig
    version: Version | None

    @property
    def sha256(self) -> str:
        """The SHA-256 of its checkpoint, computed when it is first needed: a list of runs does not need it.

        Raises:
            FileNotFoundError: If the checkpoint was deleted meanwhile.
        """
        return hash_weights(self.folder.weights, self.version)

    @property
    def task(self) -> tuple[str, str]:
        """Data set and normal class."""
        return self.config.dataset, self.config.normal_class

    @property
    def has_references(self) -> bool:
        """Whether it stores features of training images, which matching and the shift score need."""
        return self.config.detector not in WITHOUT_TEACHER and self.config.stored_references > 0

    @property
    def bundled(self) -> bool:
        """Whether it is bundled with the project."""
        return self.folder.path.parent == BUNDLED


def runs_root() -> Path:
    """Return the folder of the user's runs; raises as `own_runs`."""
    return rules.own_runs()


def list_checkpoints() -> tuple[list[Checkpoint], list[str]]:
    """List all checkpoints, bundled ones first, then the newest, and the reasons why runs were left out."""
    checkpoints, problems = [], []
    shown = [folder for folder in list_runs(runs_root()) if rules.may_show(folder.path.name)]
    own = sorted(shown, key=lambda folder: modified_ns(folder.weights), reverse=True)
    for folder in list_runs(BUNDLED) + own:
        try:
            check_name(folder.path)
            config = read_config_once(folder)
            rules.check_paths(config, name=folder.path.name)
            open_file(folder.weights, limit_bytes=WEIGHTS_BYTES).close()
            checkpoints.append(Checkpoint(folder, config, version_of(folder.weights)))
        except FileNotFoundError:  # deleted meanwhile
            continue
        except ValueError as error:
            problems.append(str(error))
    return checkpoints, problems


def modified_ns(file: Path) -> int:
    """Return when a file was last written, in ns; 0 if it was deleted meanwhile."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=MOST_HASHED)
def hash_weights(weights: Path, version: Version | None) -> str:
    """Compute the SHA-256 of a checkpoint, once for each version of the file."""
    return hash_file(weights)


def saved_scores(weights: Path, sha256: str, *, domain: str, scoring: ScoringConfig) -> Scores | None:
    """Return a checkpoint's saved scores, or None."""
    file = RunFolder(weights.parent).scores
    if not file.exists():
        return None
    return chosen_scores(weights, sha256, version_of(file), domain=domain, scoring=scoring)


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs={ScoringConfig: ScoringConfig.model_dump_json})
def chosen_scores(
    weights: Path, sha256: str, version: Version | None, *, domain: str, scoring: ScoringConfig
) -> Scores | None:
    """Select one domain's scores for a scoring, once for each version of the file. Do not modify the result."""
    rows = saved_rows(weights, sha256, version)
    return None if rows is None else select_scores(rows, domain=domain, scoring=scoring)


def saved_engines(weights: Path, sha256: str, *, domain: str, scoring: ScoringConfig) -> set[str]:
    """Return the engines that computed a checkpoint's saved scores, as far as their file says."""
    return chosen_engines(weights, sha256, version_of(RunFolder(weights.parent).scores), domain=domain, scoring=scoring)


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={ScoringConfig: ScoringConfig.model_dump_json})
def chosen_engines(
    weights: Path, sha256: str, version: Version | None, *, domain: str, scoring: ScoringConfig
) -> set[str]:
    """Select the engines behind one domain's scores, once for each version of the file."""
    rows = saved_rows(weights, sha256, version)
    return set() if rows is None else select_engines(rows, domain=domain, scoring=scoring)


@st.cache_resource(max_entries=16, show_spinner=False)
def saved_rows(weights: Path, sha256: str, version: Version | None) -> Columns | None:
    """Read all saved scores of a checkpoint, once for each version of the file. Do not modify the result."""
    return read_saved_scores(RunFolder(weights.parent), sha256)


def saved_shift_scores(weights: Path, sha256: str) -> dict[str, float | None]:
    """Map the domains in a checkpoint's latest report to their shift scores; None if not measurable."""
    file = RunFolder(weights.parent).report
    return reported_shift_scores(weights, sha256, version_of(file)) if file.exists() else {}


@st.cache_data(max_entries=256, show_spinner=False)
def reported_shift_scores(weights: Path, sha256: str, version: Version | None) -> dict[str, float | None]:
    """Read the shift scores of a report, once for each version of the file."""
    return read_shift_scores(RunFolder(weights.parent), sha256)


def saved_adapted(
    weights: Path, sha256: str, *, domain: str, scoring: ScoringConfig, choice: TrayChoice
) -> AdaptedScores | None:
    """Return a checkpoint's saved scores under an adaptation, or None."""
    file = RunFolder(weights.parent).adapted
    entries = adapted_entries(weights, sha256, version_of(file)) if file.exists() else []
    wanted = (domain, scoring, choice)
    return next((entry.adapted for entry in entries if entry[:3] == wanted), None)


@st.cache_resource(max_entries=16, show_spinner=False)
def adapted_entries(weights: Path, sha256: str, version: Version | None) -> list[Entry]:
    """Read a checkpoint's adapted scores, once for each version of the file. Do not modify the result."""
    return read_adapted(RunFolder(weights.parent), sha256)


@st.cache_resource(show_spinner=False)
def kept_adapted() -> dict[tuple[str, ...], AdaptedScores]:
    """Return the scores under adaptations computed so far, shared by all sessions."""
    return {}


@st.cache_resource(show_spinner=False)
def kept_scores() -> dict[tuple[str, ...], Scores]:
    """Return the scores computed so far, shared by all sessions.

    Not `st.cache_data`: a function under it cannot update a progress bar created outside it.
    """
    return {}


@st.cache_resource(show_spinner=False)
def used_engines() -> dict[str, str]:
    """Return what computes the teacher of each checkpoint that was loaded, by the checkpoint's SHA-256."""
    return {}


@st.cache_resource(show_spinner=False)
def kept_shift_scores() -> dict[tuple[str, ...], float | None]:
    """Return the shift scores measured so far, shared by all sessions; None if not measurable.

    A page can check whether one is known.
    """
    return {}


@st.cache_resource(show_spinner=False)
def kept_map_scales() -> dict[tuple[str, ...], float]:
    """Return the scales of domains' own maps computed so far, shared by all sessions."""
    return {}
