"""Runs, comparisons, images and addresses whose texts are Markdown, HTML and LaTeX, for the tests of pages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from app import PROJECT
from app.comparisons import BUNDLED as RESULTS

PARTS = (
    "![p](http://127.0.0.1:1/x.png)",
    "[Sign in again](https://example.org)",
    "<img src=x onerror=alert(1)>",
    "<a href='https://example.org'>b</a>",
    "www.example.org",
    ":smile:",
    "$x$",
    ":red[x]",
    "`c`",
)
TEXT = " ".join(PARTS)
NAME = TEXT.replace("/", "")  # of a file or folder
COMPARISON = f"comparison {NAME}"


def copy_run(runs: Path, name: str, **settings: object) -> Path:
    """Copy a bundled run, with other settings."""
    run = runs / name
    shutil.copytree(PROJECT / "assets" / "checkpoints" / "digits-4-gnl", run)
    known = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(known | settings))
    return run


def write_runs(runs: Path) -> None:
    """Write runs whose name, settings, losses and reason of failure are hostile, and others that cannot be read."""
    run = copy_run(runs, NAME, split_source=TEXT, teacher=TEXT)
    status = {"state": "failed", "reason": TEXT, "epoch": 1, "losses": {TEXT: 1.0}}
    (run / "status.json").write_text(json.dumps(status))
    (run / "progress.jsonl").unlink()
    copy_run(runs, f"of a class {NAME}", dataset="folder", normal_class=TEXT, data_root=TEXT)
    copy_run(runs, f"of a method {NAME}", detector=TEXT)
    copy_run(runs, f"of an impossible size {NAME}", image_size=TEXT)


def write_comparison(runs: Path) -> Path:
    """Write a comparison whose folder, data set, domains, methods, classes and diverged runs are hostile."""
    saved = (RESULTS / "mnist.json").read_text()
    for old in ("mnist", "mnist_m", "gnl", "8"):
        saved = saved.replace(json.dumps(old), json.dumps(f"{old} {TEXT}"))
    output = runs / COMPARISON
    output.mkdir()
    file = output / "comparison.json"
    file.write_text(json.dumps(json.loads(saved) | {"diverged": [TEXT], "missing": [TEXT]}))
    return file


def rename_images(root: Path) -> Path:
    """Give the user's folder, one of its domains, and its defects hostile names; return the folder."""
    for part in ("test", "ground_truth"):
        for domain in ("lamp", "window"):
            (root / part / domain / "hole").rename(root / part / domain / NAME)
        (root / part / "window").rename(root / part / f"z {NAME}")
    return root.rename(root.with_name(NAME))
