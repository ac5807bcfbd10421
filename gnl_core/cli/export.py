"""gnl export: write a trained run as an ONNX file, for programs without PyTorch."""

from __future__ import annotations

import argparse

from gnl_core.cli.console import say
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.files import hash_file
from gnl_core.runs.adaptations import load_adaptation
from gnl_core.runs.adapting import adapted_run, adapted_scoring, adapted_threshold
from gnl_core.runs.exports import held_out_threshold, write_onnx
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.outputs import check_output_file
from gnl_core.runs.scoring import Run, load_run, resolve_scoring, settle_given
from gnl_core.runs.tuning import preset_settings

PLACES = ("teacher_weights",)  # paths that may differ from training


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl export."""
    parser.add_argument("run", type=path_of, help="folder of the run")
    parser.add_argument("--onnx", type=path_of, required=True, help="file to write; an existing file is replaced")
    parser.add_argument(
        "--preset", type=path_of, help="scoring settings written by gnl tune; flags override the preset"
    )
    parser.add_argument(
        "--adaptation", type=path_of, help="export the run adapted to a new domain, with a file written by gnl adapt"
    )
    add_settings(parser, ScoringConfig.model_fields)
    add_settings(parser, {name: RunConfig.model_fields[name] for name in PLACES})
    parser.set_defaults(command=export_command)


def export_command(parsed: argparse.Namespace) -> None:
    """Write a run's detector as an ONNX file: gnl export."""
    folder = RunFolder(parsed.run)
    run = load_run(folder, device="cpu", **given_settings(parsed, PLACES))
    check_output_file(parsed.onnx, run.config.data_root, what="--onnx")
    if parsed.adaptation:
        export_adapted(parsed, run)
    else:
        preset = preset_settings(parsed.preset)
        scoring = resolve_scoring(run, **(preset | given_settings(parsed, ScoringConfig.model_fields)))
        write_onnx(parsed.onnx, run, scoring, threshold=held_out_threshold(run, folder, scoring))
    say(f"wrote {parsed.onnx}")


def export_adapted(parsed: argparse.Namespace, run: Run) -> None:
    """Write a run's detector, adapted to a new domain, as an ONNX file.

    Raises:
        ValueError: If a preset is given as well, the adaptation cannot be used, or the run cannot be exported.
    """
    if parsed.preset:
        raise ValueError("an adaptation has its own settings; leave out --preset")
    saved = load_adaptation(parsed.adaptation, run)
    scoring = adapted_scoring(saved, settle_given(given_settings(parsed, ScoringConfig.model_fields), run.config))
    threshold = adapted_threshold(saved, scoring, explain=say)
    write_onnx(
        parsed.onnx,
        adapted_run(run, saved),
        scoring,
        threshold=None if threshold is None else threshold.value,
        facts={"adaptation_sha256": hash_file(parsed.adaptation)},
    )
