"""Start, resume, stop and delete trainings within what this server allows. Import PyTorch when called, not before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from app.server import rules
from gnl_core.config import RunConfig
from gnl_core.runs.folder import RunFolder, read_config


def start_training(config: RunConfig, name: str) -> RunFolder:
    """Queue a training as a process of its own.

    Args:
        config: The run's settings.
        name: The name of its folder; a number is appended if it is taken.

    Raises:
        ValueError: If the server does not allow it, a limit is reached, or the settings are invalid.
        OSError: If the folder cannot be created.
    """
    from gnl_core.jobs.queue import claim_folder  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.jobs.start import start  # noqa: PLC0415 (as above)

    rules.check_may_change_runs()
    rules.check_paths(config, name="this training")
    rules.check_teacher(config)
    rules.check_space()
    with joining_queue():
        path = claim_folder(rules.own_runs(), name)
        try:
            return start(config, path, turn=turn())
        except BaseException:
            with suppress(OSError):  # a run was created in it
                path.rmdir()
            raise


def act_on(action: str, path: Path) -> None:
    """Stop, resume or delete one of the visitor's own runs.

    Args:
        action: A key of ACTIONS.
        path: The run's folder.

    Raises:
        ValueError: If the server does not allow it, a limit is reached, or the run's state does not.
        OSError: If its files cannot be changed.
    """
    rules.check_may_change_runs()
    if path.parent != rules.own_runs():
        raise ValueError(f"{path.name} is not one of your runs; reload the page")
    ACTIONS[action](path)


def stop_run(path: Path) -> None:
    """Ask a run's process to end; raises as `ask_to_stop`."""
    from gnl_core.jobs.stop import ask_to_stop  # noqa: PLC0415 (as above)

    ask_to_stop(path)


def resume_run(path: Path) -> None:
    """Queue an unfinished run again; raises as `start_training`."""
    from gnl_core.jobs.start import resume  # noqa: PLC0415 (as above)

    rules.check_paths(read_config(RunFolder(path)), name=path.name)
    rules.check_space()
    with joining_queue():
        resume(path, turn=turn())


def delete_run(path: Path) -> None:
    """Delete a run; raises as `delete`."""
    from gnl_core.jobs.stop import delete  # noqa: PLC0415 (as above)

    delete(path)


ACTIONS: dict[str, Callable[[Path], None]] = {"stop": stop_run, "resume": resume_run, "delete": delete_run}


def joining_queue() -> AbstractContextManager[None]:
    """Hold the server's queue while a training is added; raises as `joining`."""
    from gnl_core.jobs.queue import joining  # noqa: PLC0415 (as above)

    limits = rules.limits()
    return joining(
        rules.all_runs(),
        rules.own_runs(),
        queues=rules.queues(),
        most_waiting=limits.queue_length,
        most_active=limits.jobs_per_person,
    )


def turn() -> Path | None:
    """Return the lock file with which the trainings of all people take turns; None where nobody signs in."""
    return rules.all_runs() / ".turn" if rules.mode() == "shared" else None
