"""The provenance of a number: its checkpoint, its number of images, and the command that reproduces it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from app import PROJECT
from app.checkpoints import Checkpoint
from app.controls.view import View
from gnl_core.config import ScoringConfig, scoring_settings
from gnl_core.config.flags import flag_words
from gnl_core.names import TEACHER_NAMES, describe_engines, name_of
from gnl_core.records import DomainReport
from gnl_core.runs.adapted_scores import TrayChoice
from gnl_core.runs.folder import RunFolder


def describe_origin(checkpoint: Checkpoint, engines: Iterable[str] = ()) -> str:
    """Describe the checkpoint behind a number, and what computed its teacher if that was not PyTorch."""
    config = checkpoint.config
    parts = [f"seed {config.seed}", f"checkpoint {checkpoint.sha256[:8]}", name_of(TEACHER_NAMES, config.teacher)]
    parts += [f"split: {config.split_source}"] if config.split_source else []
    return " · ".join(filter(None, [*parts, describe_engines(engines)]))


def describe_n(report: DomainReport) -> str:
    """Describe the number of images behind a number."""
    if report.n_unlabelled:
        return f"n = {report.n_unlabelled:,}, not labelled"
    return f"n = {report.n_normal:,} normal, {report.n_anomalous:,} anomalous"


def command(view: View, checkpoint: Checkpoint, scoring: ScoringConfig, *, domains: Sequence[str] = ()) -> str:
    """Build the command that reproduces the scores, with flags for settings that differ from the run's own.

    Args:
        view: The view that the scores belong to.
        checkpoint: The run.
        scoring: The scoring settings.
        domains: The domains to score; by default, the view's shifted domain.
    """
    words = words_of(settings_of_scores(checkpoint, scoring) | root_flag(view))
    return shlex.join(["gnl", "score", shown_path(checkpoint.folder), "--domain", *(domains or [view.shifted]), *words])


def adapted_command(
    view: View, checkpoint: Checkpoint, scoring: ScoringConfig, choice: TrayChoice, *, domain: str = ""
) -> str:
    """Build the two commands, one per line, that adapt a run to a domain and score the domain's other images.

    Args:
        view: The view that the scores belong to.
        checkpoint: The run.
        scoring: The scoring settings; the strength of matching has no effect.
        choice: The images adapted to.
        domain: The domain; by default, the view's shifted one.
    """
    run, domain = checkpoint.folder, domain or view.shifted
    words = words_of(settings_of_adaptation(checkpoint, scoring, choice) | root_flag(view))
    root = words_of(root_flag(view))
    file = f"{run.path.name}-{domain.replace(':', '-')}.safetensors"
    return "\n".join(
        shlex.join(["gnl", *line])
        for line in (
            ["adapt", shown_path(run), "--domain", domain, *words, "--output", file],
            ["score", shown_path(run), "--domain", domain, *root, "--adaptation", file],
        )
    )


def settings_of_scores(checkpoint: Checkpoint, scoring: ScoringConfig) -> dict[str, object]:
    """Select the settings that reproduce scores: the strength of matching, and what differs from the run's own."""
    return {"style_weight": scoring.style_weight} | changed_settings(checkpoint, scoring)


def settings_of_adaptation(checkpoint: Checkpoint, scoring: ScoringConfig, choice: TrayChoice) -> dict[str, object]:
    """Select the settings that reproduce an adaptation; the strength of matching has no effect."""
    own = {name: value for name, value in changed_settings(checkpoint, scoring).items() if name != "style_weight"}
    return {"count": choice.size} | ({"normal": True} if choice.known_normal else {}) | own


def changed_settings(checkpoint: Checkpoint, scoring: ScoringConfig) -> dict[str, object]:
    """Select the scoring settings that differ from the run's own."""
    own = scoring_settings(checkpoint.config).model_dump()
    return {name: value for name, value in scoring.model_dump().items() if value != own[name]}


def words_of(flags: dict[str, object]) -> list[str]:
    """Write settings as words of a command line."""
    return [word for name, value in flags.items() for word in flag_words(name, value)]


def root_flag(view: View) -> dict[str, object]:
    """Return the setting for the folder of the data sets, if the page gives one."""
    return {"data_root": view.root} if view.root else {}


def shown_path(folder: RunFolder) -> str:
    """Return a run's folder as typed from the project's folder."""
    path = folder.path
    return str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)
