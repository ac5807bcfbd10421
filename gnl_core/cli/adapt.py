"""gnl adapt: adapt a trained run to a new domain from a few of its images, without training."""

from __future__ import annotations

import argparse

from gnl_core.cli.console import say, show
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.cli.tune import PLACES
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.config.validation import check
from gnl_core.runs.adaptation_text import adaptation_to_json, format_adaptation
from gnl_core.runs.adaptations import save_adaptation
from gnl_core.runs.adapting import STYLE_WEIGHT, AdaptSettings, adapt_run, adapt_scoring, find_images
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.outputs import check_output_file
from gnl_core.runs.scoring import load_run
from gnl_core.strict_json import to_json


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl adapt."""
    parser.add_argument("run", type=path_of, help="folder of the run")
    images = parser.add_mutually_exclusive_group(required=True)
    images.add_argument("--images", type=path_of, metavar="DIR", help="adapt from all images directly in this folder")
    images.add_argument("--domain", help="adapt from images drawn from this domain of the run's data set")
    parser.add_argument(
        "--output", type=path_of, required=True, help="file to write, for gnl score --adaptation; replaced if it exists"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_settings(parser, AdaptSettings.model_fields)
    scoring = parser.add_argument_group("scoring settings that the adaptation is made for")
    add_settings(scoring, ScoringConfig.model_fields, defaults={"style_weight": STYLE_WEIGHT})
    add_settings(parser, {name: RunConfig.model_fields[name] for name in PLACES})
    parser.set_defaults(command=adapt_command)


def adapt_command(parsed: argparse.Namespace) -> None:
    """Adapt a run, print what was chosen and why, and write the adaptation: gnl adapt."""
    given = {name: value for name, value in vars(parsed).items() if name in AdaptSettings.model_fields}
    settings = check(AdaptSettings, given)
    run = load_run(RunFolder(parsed.run), **given_settings(parsed, PLACES))
    check_output_file(parsed.output, run.config.data_root, what="--output")
    scoring = adapt_scoring(run, given_settings(parsed, ScoringConfig.model_fields))
    found = find_images(run, folder=parsed.images, domain=parsed.domain, settings=settings, explain=say)
    saved = adapt_run(run, found, scoring=scoring, settings=settings, explain=say)
    save_adaptation(parsed.output, saved)
    if parsed.json:
        facts = {"run": str(parsed.run), "output": str(parsed.output)}
        print(to_json(facts | adaptation_to_json(saved.record)))
    else:
        show(format_adaptation(saved.record))
    say(f"wrote {parsed.output}")
