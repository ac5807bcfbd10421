"""Save a training as it progresses, so that it can be resumed after an interruption."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from gnl_core.config import RunConfig
from gnl_core.finite import DivergedError
from gnl_core.records import EpochRecord, TrainingStep
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.deletion import remove_temporary_files
from gnl_core.runs.folder import (
    RunFolder,
    write_records,
)
from gnl_core.runs.state import restore_state, save_state
from gnl_core.training import Training, check_standing

SECONDS_PER_MINUTE = 60


class TrainingOnDisk:
    """A training whose state, progress and checkpoint are saved after each epoch, so that it can be interrupted.

    The state is authoritative: all other files of a killed process are rewritten from it. It is saved first and
    removed last. None is saved after the last epoch, since repeating that epoch gives the same result. The order of
    writing matters for a run without a state: if it has no checkpoint either, training starts again.

    Args:
        training: From `begin`; restored from the folder's state, if there is one.
        config: The run's settings.
        folder: The run's folder.

    Raises:
        ValueError: If the folder has a state that does not fit.
    """

    def __init__(self, training: Training, config: RunConfig, folder: RunFolder) -> None:
        self.training = training
        self.config = config
        self.folder = folder
        has_state = folder.state.exists()
        self.records: list[EpochRecord] = restore_state(folder.state, training, config) if has_state else []
        self.saved = time.monotonic()

    def update_folder(self) -> None:
        """Bring the folder's files in line with the restored training."""
        with explaining_write_errors(self.folder):
            remove_temporary_files(self.folder)
            if self.records and not self.training.step:
                self.write_epoch()
            elif self.folder.progress.exists():
                write_records(self.folder, self.records)

    def save_step(self, step: TrainingStep) -> None:
        """Save what is due after a step."""
        with explaining_write_errors(self.folder):
            if step.record is not None:
                self.records.append(step.record)
                if not self.is_done:
                    self.save()
                self.write_epoch()
            elif self.is_due:
                self.save()

    @property
    def is_done(self) -> bool:
        """Whether no step is left; a method without optimizers has a single step."""
        return self.training.epoch > self.training.epochs or not self.training.optimizers

    @property
    def is_due(self) -> bool:
        """Whether to save the state within an epoch; not supported for several processes, which differ in state."""
        minutes = (time.monotonic() - self.saved) / SECONDS_PER_MINUTE
        return minutes >= self.config.save_minutes and self.training.processes.size == 1

    def save(self) -> None:
        """Save the state unless the training has diverged.

        Raises:
            DivergedError: If it has diverged; the older state is kept.
        """
        check_standing(self.training)
        with explaining_write_errors(self.folder):
            save_state(self.folder.state, self.training, self.config, records=self.records)
        self.saved = time.monotonic()

    def write_epoch(self) -> None:
        """Write the last epoch's record and checkpoint."""
        epoch = self.records[-1].epoch
        write_records(self.folder, self.records)
        if self.config.keep_epochs:
            kept = self.folder.epoch(epoch)
            kept.path.mkdir(parents=True, exist_ok=True)
            save_checkpoint(kept.weights, self.training.detector, self.config, epoch=epoch)
        save_checkpoint(self.folder.weights, self.training.detector, self.config, epoch=epoch)

    def finish(self) -> None:
        """Remove the state of a training that is complete or cannot be resumed."""
        with explaining_write_errors(self.folder):
            self.folder.state.unlink(missing_ok=True)

    @contextmanager
    def ending_diverged(self) -> Iterator[None]:
        """If the training diverges, remove its state, which would diverge again, and name the checkpoint that is kept.

        Raises:
            DivergedError: With the kept checkpoint added to the message.
        """
        try:
            yield
        except DivergedError as error:
            self.finish()
            kept = f"; the checkpoint of epoch {self.records[-1].epoch} is kept" if self.records else ""
            raise DivergedError(f"{error}{kept}") from None


@contextmanager
def explaining_write_errors(folder: RunFolder) -> Iterator[None]:
    """Convert a write error to one sentence with its reason and the way to resume.

    Raises:
        ValueError: Instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        remedy = (
            f"the last saved state is intact; fix the cause, then resume with gnl train --run {folder.path} --resume"
            if folder.state.exists()
            else "no state was saved; fix the cause, then train the run again"
        )
        raise ValueError(f"cannot write the run {folder.path}: {error.strerror or error}; {remedy}") from None
