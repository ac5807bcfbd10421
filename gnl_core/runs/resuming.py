"""A training on disk: kept as it goes on, and taken up where it was cut off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from gnl_core.config import RunConfig
from gnl_core.finite import DivergedError
from gnl_core.records import EpochRecord, TrainingStep
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.deletion import remove_leftovers
from gnl_core.runs.folder import (
    RunFolder,
    write_records,
)
from gnl_core.runs.state import restore_state, save_state
from gnl_core.training import Training, check_standing

SECONDS_A_MINUTE = 60


class TrainingOnDisk:
    """A training whose state, progress and checkpoint are on disk after each epoch, so that it can be cut off.

    The state is the truth: whatever else a killed process left is written again from it. It is saved first and
    removed last; of the last epoch there is none, since repeating that epoch gives the same. What is written in
    which order matters where a run has no state yet: without a checkpoint, it begins again.

    Args:
        training: From `begin`; where the folder has a state, it is brought to it.
        config: The run's settings.
        folder: Where the run lies.

    Raises:
        ValueError: If there is a state and it does not fit.
    """

    def __init__(self, training: Training, config: RunConfig, folder: RunFolder) -> None:
        self.training = training
        self.config = config
        self.folder = folder
        has_state = folder.state.exists()
        self.records: list[EpochRecord] = restore_state(folder.state, training, config) if has_state else []
        self.saved = time.monotonic()

    def take_up(self) -> None:
        """Bring the folder to where the training stands."""
        with telling_failures(self.folder):
            remove_leftovers(self.folder)
            if self.records and not self.training.step:
                self.write_epoch()
            elif self.folder.progress.exists():
                write_records(self.folder, self.records)

    def keep(self, step: TrainingStep) -> None:
        """After each step: save what is due."""
        with telling_failures(self.folder):
            if step.record is not None:
                self.records.append(step.record)
                if not self.is_done:
                    self.save()
                self.write_epoch()
            elif self.is_due:
                self.save()

    @property
    def is_done(self) -> bool:
        """Whether no step is left; a method that learns nothing has one alone."""
        return self.training.epoch > self.training.epochs or not self.training.optimizers

    @property
    def is_due(self) -> bool:
        """Whether the state is to be saved within an epoch; several processes would have several states."""
        minutes = (time.monotonic() - self.saved) / SECONDS_A_MINUTE
        return minutes >= self.config.save_minutes and self.training.processes.size == 1

    def save(self) -> None:
        """Write the state, unless the training has diverged: an older one is then better.

        Raises:
            DivergedError: If it has.
        """
        check_standing(self.training)
        with telling_failures(self.folder):
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
        """Remove the state of a training that has reached its end, or cannot go on."""
        with telling_failures(self.folder):
            self.folder.state.unlink(missing_ok=True)

    @contextmanager
    def ending_diverged(self) -> Iterator[None]:
        """When the training diverges, remove its state, which would only lead there again, and say what is kept.

        Raises:
            DivergedError: In place of another one.
        """
        try:
            yield
        except DivergedError as error:
            self.finish()
            kept = f"; the checkpoint of epoch {self.records[-1].epoch} is kept" if self.records else ""
            raise DivergedError(f"{error}{kept}") from None


@contextmanager
def telling_failures(folder: RunFolder) -> Iterator[None]:
    """Tell in one sentence why a run could not be written, and what is left of it.

    Raises:
        ValueError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        left = (
            f"what was saved last is whole: mend that, and go on with gnl train --run {folder.path} --resume"
            if folder.state.exists()
            else "nothing was saved to go on from: mend that, and train it again"
        )
        raise ValueError(f"cannot write the run {folder.path}: {error.strerror or error}; {left}") from None
