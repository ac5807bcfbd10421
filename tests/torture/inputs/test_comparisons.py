"""Comparisons and presets, changed in every way: read, or refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gnl_core.comparison.data import read_comparison
from gnl_core.comparison.page import comparison_page
from gnl_core.comparison.text import markdown_page
from gnl_core.config import ScoringConfig
from gnl_core.runs.tuning import read_preset
from tests.torture.inputs.conftest import World
from tests.torture.inputs.mutations import byte_mutations, choose, json_mutations, restore, special_mutations
from tests.torture.inputs.trying import Tries

RESULTS = Path(__file__).parents[3] / "assets" / "results"


def read_and_draw(path: Path) -> None:
    comparison = read_comparison(path)
    markdown_page(comparison)
    comparison_page(comparison, {})


FILES: dict[str, Callable[[Path], object]] = {
    "cifar10.json": read_and_draw,
    "parts-adapted.json": read_and_draw,
    "preset.json": read_preset,
}


def original_of(name: str) -> str:
    if name != "preset.json":
        return (RESULTS / name).read_text()
    scoring = ScoringConfig(style_weight=0.5, reference_count=2).model_dump()
    return json.dumps({"scoring": scoring, "validation_auroc": [0.9], "runs": ["a"], "n_normal": 8})


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_read_or_refused(name: str, world: World, tries: Tries):
    text = original_of(name)
    path = world.fresh("finished").path / name
    everything = special_mutations() + byte_mutations(text.encode(), count=400, seed=12) + json_mutations(text)
    for mutation in choose(everything, count=tries.scaled(short=30, full=1000), seed=13):
        restore(path, text.encode())
        mutation.apply(path)
        tries.call(lambda: FILES[name](path), name=f"{name}: {mutation.name}", must_refuse=mutation.is_special)
    tries.finish(f"comparisons and presets, {name}")


def test_a_changed_preset_is_used_or_refused(world: World, tries: Tries):
    text = original_of("preset.json")
    for mutation in choose(json_mutations(text), count=tries.scaled(short=2, full=80), seed=14):
        folder = world.fresh("finished")
        path = folder.path / "preset.json"
        mutation.apply(path)
        tries.command("score", folder.path, "--device", "cpu", "--preset", path, name=mutation.name)
    tries.finish("presets, gnl score")
