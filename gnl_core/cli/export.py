"""gnl export: write a trained run as an ONNX file, for programs without PyTorch."""

from __future__ import annotations

import argparse
from pathlib import Path

from gnl_core.cli.settings import add_settings, given_settings, say
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.runs.exports import write_onnx
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.outputs import check_output
from gnl_core.runs.scoring import load_run, resolve_scoring
from gnl_core.runs.tuning import read_preset

PLACES = ("teacher_weights",)  # paths that may differ from training


def add_export_command(parser: argparse.ArgumentParser) -> None:
    """Add the flags of gnl export."""
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("--onnx", type=Path, required=True, help="file to write; an existing file is replaced")
    parser.add_argument("--preset", type=Path, help="scoring settings written by gnl tune; flags override the preset")
    add_settings(parser, ScoringConfig.model_fields)
    add_settings(parser, {name: RunConfig.model_fields[name] for name in PLACES})
    parser.set_defaults(command=export_command)


def export_command(parsed: argparse.Namespace) -> None:
    """Write a run's detector as an ONNX file: gnl export."""
    folder = RunFolder(parsed.run)
    run = load_run(folder, device="cpu", **given_settings(parsed, PLACES))
    check_output(parsed.onnx, run.config.data_root, what="--onnx")
    preset = read_preset(parsed.preset).model_dump() if parsed.preset else {}
    scoring = resolve_scoring(run, **(preset | given_settings(parsed, ScoringConfig.model_fields)))
    write_onnx(parsed.onnx, run, folder, scoring)
    say(f"wrote {parsed.onnx}")
