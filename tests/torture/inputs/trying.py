"""One try of a hostile input: what counts as a good end, and how many of each there were."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gnl_core.cli import main
from gnl_core.messages import LONGEST_MESSAGE, as_sentence, describe_error, escape_hidden

LONGEST_SECONDS = 5.0  # of processor time
HANG_SECONDS = 30.0  # by the clock, since other processes may keep the processors
MOST_MEMORY_MIB = 500  # more than before the first try
SHOWN_FAULTS = 25
KIB_OR_BYTES = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss


class TookTooLongError(BaseException):
    """A try that did not end in time; no `except Exception` stops it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLongError in the main thread after some seconds; an outer timer goes on afterwards."""

    def stop(*_: object) -> None:
        raise TookTooLongError

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.1, left - (time.monotonic() - began)), interval)


def peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB_OR_BYTES // 2**20


@dataclass
class Tries:
    """Counts of tries, and those that ended badly.

    Attributes:
        world: The folder of all tries; its path does not count in a message's length.
        kept: Folder in it where nothing may be written.
        scaled: From the fixture of the same name.
        report: From the fixture `report_figures`.
    """

    world: Path
    kept: Path
    scaled: Callable[..., int]
    report: Callable[..., None]
    accepted: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    memory_before: int = field(default_factory=peak_mib)

    def command(self, *words: object, name: str, must_refuse: bool = False) -> None:
        """Run a command, which succeeds or is refused with code 2 and one sentence on standard error."""
        errors = io.StringIO()

        def run() -> str | None:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
                try:
                    code = main([str(word) for word in words])
                except SystemExit as ended:
                    code = ended.code
            if code not in (0, 2):
                raise AssertionError(f"code {code}")
            return read_sentence(errors.getvalue()) if code else None

        self.make(run, name=f"{' '.join(str(word) for word in words)} with {name}", must_refuse=must_refuse)

    def call(self, read: Callable[[], object], *, name: str, must_refuse: bool = False) -> None:
        """Call a function, which returns or raises what the command line prints as one sentence."""

        def run() -> str | None:
            try:
                read()
            except (ValueError, OSError) as error:
                return as_sentence(f"gnl: {describe_error(error)}")
            return None

        self.make(run, name=name, must_refuse=must_refuse)

    def make(self, run: Callable[[], str | None], *, name: str, must_refuse: bool) -> None:
        """Make a try; `run` returns the sentence of a refusal."""
        before, began = snapshot(self.kept), time.process_time()
        try:
            with time_limit(HANG_SECONDS):
                message = run()
            fault = find_fault(message, self.world) if message is not None else None
            if message is None and must_refuse:
                fault = "accepted"
            self.accepted += message is None
            self.refused += message is not None
        except TookTooLongError:
            fault = f"did not end within {HANG_SECONDS:g} s"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            fault = "".join(traceback.format_exception(error)[-4:]).strip()
        seconds = time.process_time() - began
        self.slowest_seconds = max(self.slowest_seconds, seconds)
        if seconds > LONGEST_SECONDS:
            fault = f"{fault or ''}; took {seconds:.1f} s"
        if snapshot(self.kept) != before:
            fault = f"{fault or ''}; wrote elsewhere: {sorted(set(snapshot(self.kept)) ^ set(before))}"
        if fault:
            self.faults.append(f"{name}: {fault}")

    def finish(self, subject: str) -> None:
        """Fail if a try ended badly or they took too much memory together; report the figures."""
        assert not self.faults, f"{len(self.faults)} faults:\n" + "\n\n".join(self.faults[:SHOWN_FAULTS])
        grown = peak_mib() - self.memory_before
        assert grown <= MOST_MEMORY_MIB
        self.report(
            subject,
            tries=self.accepted + self.refused,
            accepted=self.accepted,
            refused=self.refused,
            slowest=f"{self.slowest_seconds:.1f} s",
            memory=f"+{grown} MiB",
        )


def read_sentence(said: str) -> str:
    """Return the refusal in what a command said on standard error: the last line, and the only one of its kind."""
    lines = [line for line in said.splitlines() if line.startswith("gnl: ")]
    if len(lines) != 1 or not said.rstrip("\n").endswith(lines[0]):
        raise AssertionError(f"expected one sentence at the end, got {said[-1500:]!r}")
    return lines[0]


def find_fault(message: str, world: Path) -> str | None:
    """Return what is wrong with a refusal; None if it is a good one."""
    shown = message.replace(str(world), "…")
    if len(shown) > LONGEST_MESSAGE:
        return f"{len(shown)} characters: {shown}"
    if escape_hidden(shown) != shown:
        return f"not one visible line: {shown!r}"
    if shown.removeprefix("gnl: ").startswith("[Errno"):
        return f"a bare error of the system: {shown}"
    return None


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of each file and folder in a folder."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            facts = os.lstat(os.path.join(place, name))  # noqa: PTH118 (called twice per try)
            found[os.path.join(place, name)] = (facts.st_size, facts.st_mtime_ns)  # noqa: PTH118
    return found
