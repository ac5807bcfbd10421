"""Train a run, load one, and list its images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gnl_core.api.results import Watch
from gnl_core.config import parse_config
from gnl_core.config.values import EngineName
from gnl_core.datasets.base import Item
from gnl_core.detectors import complete_config
from gnl_core.jobs.worker import train_as_job
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, load_run
from gnl_core.runs.training import check_teacher_weights


def train(run: str | Path, *, watch: Watch = iter, **settings: Any) -> Run:
    """Train a detector and save it, as `gnl train` does.

    A training that is interrupted continues with `gnl train --run RUN --resume`.

    Args:
        run: Folder to create for the run.
        watch: Wraps the records of the epochs as they end, to show progress: `tqdm.tqdm`, for example.
        settings: Fields of `RunConfig`, such as dataset, normal_class, detector, epochs and data_root, and the method's
            own, such as neighbours for knn.

    Returns:
        The trained run.

    Raises:
        ValueError: If a setting is invalid, the folder already contains a run, the data set is missing, the teacher's
            weight file cannot be used, or the training diverges or is stopped by `gnl runs --stop`.
    """
    config = complete_config(parse_config(settings))
    check_teacher_weights(config)
    folder = create_run(Path(run), config)
    for _ in watch(step.record for step in train_as_job(config, folder) if step.record is not None):
        pass
    if folder.state.exists():
        raise ValueError(f"the training of {run} was stopped; continue it with gnl train --run {run} --resume")
    return load(run, device=config.device)


def load(
    run: str | Path,
    *,
    device: str = "auto",
    teacher_weights: str | Path | None = None,
    data_root: str | Path | None = None,
    engine: EngineName | None = None,
) -> Run:
    """Load a trained run.

    Args:
        run: Its folder, from `train`, `gnl train`, `gnl import` or the app.
        device: Device for the detector: "auto", "cpu", "cuda" and so on.
        teacher_weights: The teacher's weight file; unset: the path used in training.
        data_root: The data root; unset: the one used in training.
        engine: What computes the teacher: "torch", "onnxruntime", or "auto" for the faster of both; unset: the engine
            in the run's settings.

    Raises:
        ValueError: If there is no checkpoint, or it cannot be used.
    """
    given = {"device": device, "teacher_weights": teacher_weights, "data_root": data_root}
    given |= {} if engine is None else {"engine": engine}
    checked = parse_config(given)
    return load_run(RunFolder(Path(run)), **{name: getattr(checked, name) for name in given})


def images(run: Run, domain: str) -> list[Item]:
    """List the images of a domain; `item.read()` decodes one, `item.label` is 0 if it is normal and 1 if anomalous.

    Args:
        run: The run, which names the data set and its normal class.
        domain: A domain of the data set, "train" or "held_out"; a corruption can follow, as in "digits+contrast:3".

    Raises:
        ValueError: If the data set has no such domain, or its files are missing.
    """
    return list_domain(run.config, domain)
