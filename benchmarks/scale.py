"""Measure time and memory with many images, runs and scores, on the CPU.

    OMP_NUM_THREADS=1 python -m benchmarks.scale --part folder|bank|runs|rows [--count N]

folder: a data set of N images, scored as `gnl score` does. bank: PatchCore learns from N images. runs: N run folders,
listed by `gnl runs` and by the app. rows: a run with N saved scores, opened in Explore in Chromium. Prints a Markdown
table. Memory is that of the process: resident at the end of a line's work, and its peak until then.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from playwright.sync_api import Page, WebSocket, sync_playwright

from benchmarks.scale_folders import OTHER_CLASS, build_images, build_runs, build_scores, random_batches
from benchmarks.speed import KIB, MIB
from tests.browser.conftest import FIRST_VISIT_MS, PROJECT, find_chromium, free_port, wait_until_healthy

T = TypeVar("T")
COUNTS = {"folder": 100_000, "bank": 200_000, "runs": 2_000, "rows": 1_000_000}
TENTHS = 10
BATCH = 64
TWICE = ("first", "again")
CHART = ".st-key-figures .bar"
BUILD = PROJECT / "build"  # files of bundled runs cannot be linked from another file system
POLL_SECONDS = 0.005
TICKS = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """What a process has used so far: seconds by the wall clock and of processor time, and its memory in bytes."""

    wall: float
    processor: float
    resident: int
    peak: int


def main() -> None:
    """Build the folders of a part, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", required=True, choices=tuple(PARTS))
    parser.add_argument("--count", type=int)
    parsed = parser.parse_args()
    print("| what | wall, s | processor, s | resident, MiB | peak, MiB | |\n|---|---:|---:|---:|---:|---|")
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as place:
        PARTS[parsed.part](Path(place), parsed.count or COUNTS[parsed.part])


def usage_of(pid: int | str = "self") -> Usage:
    """Read what a process has used; Linux only."""
    process = Path("/proc") / str(pid)
    fields = (process / "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    lines = dict(line.split(":", 1) for line in (process / "status").read_text(encoding="ascii").splitlines())
    resident, peak = (int(lines[name].split()[0]) * KIB for name in ("VmRSS", "VmHWM"))
    return Usage(time.perf_counter(), sum(map(int, fields[11:13])) / TICKS, resident, peak)


def print_row(what: str, before: Usage, after: Usage, remark: str = "") -> None:
    """Print a row of the table."""
    seconds = f"{after.wall - before.wall:.2f} | {after.processor - before.processor:.2f}"
    print(f"| {what} | {seconds} | {after.resident / MIB:.0f} | {after.peak / MIB:.0f} | {remark} |", flush=True)


def measure(what: str, call: Callable[[], T], describe: Callable[[T], str] = lambda _: "") -> T:
    """Measure a call in this process, print its row, and return its result."""
    before = usage_of()
    result = call()
    print_row(what, before, usage_of(), describe(result))
    return result


def by_tenths(what: str, batches: Iterable[T], *, total: int, images: int) -> Iterator[T]:
    """Pass batches through, and print a row for each tenth of them."""
    before, ends = usage_of(), {round(total * tenth / TENTHS): tenth for tenth in range(1, TENTHS + 1)}
    for number, batch in enumerate(batches, start=1):
        yield batch
        if number in ends:
            after = usage_of()
            rate = images / TENTHS / (after.wall - before.wall)
            print_row(f"{what}, to {100 * ends[number] // TENTHS} %", before, after, f"{rate:.0f} images/s")
            before = after


def measure_folder(place: Path, count: int) -> None:
    """Measure `gnl score` on a folder, step by step as the command takes them, with a run of kNN."""
    from gnl_core.api.runs import load, train  # noqa: PLC0415 (PyTorch would be part of the memory of other parts)
    from gnl_core.metrics.threshold import choose_threshold  # noqa: PLC0415
    from gnl_core.runs.evaluation import find_overview, report_run, score_held_out  # noqa: PLC0415
    from gnl_core.runs.folder import RunFolder  # noqa: PLC0415
    from gnl_core.runs.scores import save_scores_each  # noqa: PLC0415
    from gnl_core.runs.scoring import load_domain, resolve_scoring  # noqa: PLC0415
    from gnl_core.scoring import collect, detect  # noqa: PLC0415

    build_images(place, count)
    settings = {"dataset": "folder", "normal_class": "good", "detector": "knn", "image_size": (32, 32), "device": "cpu"}
    train(place / "run", data_root=place / "images", **settings)
    run = load(place / "run", device="cpu")
    scoring = resolve_scoring(run)
    overview = measure(
        f"look for skipped files and equal images among {count:,}",
        lambda: find_overview(run),
        lambda found: f"{found.equal['test']:,} test images equal a training image" if found else "",
    )
    batches = measure(f"list {count:,} images", lambda: load_domain(run, "test"))
    detections = detect(run.detector, batches, scoring)
    scored = collect(by_tenths("score", detections, total=len(batches), images=count))
    threshold = choose_threshold(score_held_out(run, scoring, explain=print), quantile=run.config.threshold_quantile)
    measure("report", lambda: report_run(run, {"test": scored}, threshold=threshold, overview=overview))
    measure("save the scores", lambda: save_scores_each(RunFolder(place / "run"), [(scoring, scored[0])]))


def measure_bank(place: Path, count: int) -> None:
    """Measure `prepare` of PatchCore with the bundled teacher at 32 px."""
    import torch  # noqa: PLC0415 (as above)

    from gnl_core.detectors import complete_config, create_detector  # noqa: PLC0415

    config = complete_config(parsed_settings(detector="patchcore", image_size=(32, 32), device="cpu"))
    detector = create_detector(config)
    with torch.inference_mode():  # PyTorch's buffers for one batch are not part of the growth
        detector.patch_features(next(random_batches(config, BATCH, batch_size=BATCH)).views["original"])
    batches = random_batches(config, count, batch_size=BATCH)
    counted = by_tenths("collect patches", batches, total=-(-count // BATCH), images=count)
    measure(
        f"all of `prepare`, {count:,} images",
        lambda: detector.prepare(counted),
        lambda _: f"{detector.settings.coreset_candidates:,} candidates at most, bank of {len(detector.bank):,}",
    )


def parsed_settings(**settings: object) -> Any:
    """Parse settings of a run."""
    from gnl_core.config import parse_config  # noqa: PLC0415 (as above)

    return parse_config(settings)


def measure_runs(place: Path, count: int) -> None:
    """Measure the lists of runs: those behind the app's pages, that of `gnl runs`, and the whole command."""
    build_runs(place / "runs", count)
    os.environ["GNL_RUNS"] = str(place / "runs")
    from app.checkpoints import list_checkpoints  # noqa: PLC0415 (as above)
    from app.comparisons import list_comparisons  # noqa: PLC0415
    from gnl_core.jobs.listing import list_jobs_and_problems  # noqa: PLC0415

    for time_of in TWICE:
        measure(
            f"the app's list of {count:,} checkpoints, {time_of}", list_checkpoints, lambda found: f"{len(found[0]):,}"
        )
    for time_of in TWICE:
        measure(f"the app's list of comparisons, {time_of}", list_comparisons)
    for time_of in TWICE:
        measure(
            f"the list of {count:,} runs with their states, {time_of}",
            lambda: list_jobs_and_problems(place / "runs"),
            lambda found: f"{len(found[0]):,}",
        )
    for time_of in TWICE:
        measure_command(f"the command `gnl runs`, {time_of}", ["runs", str(place / "runs")])
    measure_command("the command `gnl runs` in an empty folder", ["runs", str(place / "none")])


def measure_command(what: str, arguments: list[str]) -> None:
    """Measure a command in a process of its own, from its start to its end."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "gnl_core", *arguments]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)  # literals, no shell  # nosec B603
    peak = 0  # not ru_maxrss, which begins with the memory of this process
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        with suppress(KeyError):  # it has just ended, and has no memory
            peak = usage_of(process.pid).peak
        time.sleep(POLL_SECONDS)
    used = ended[2]
    after = Usage(time.perf_counter(), used.ru_utime + used.ru_stime, peak, peak)
    print_row(what, Usage(started, 0, 0, 0), after)


def measure_rows(place: Path, count: int) -> None:
    """Measure Explore in a browser, on a server that has drawn another view before."""
    build_scores(place / "runs", count)
    with serving(place / "runs") as (address, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        open_view(browser.new_page(), f"{address}/?data=digits&normal=4", pid=pid, what="the bundled run")
        for time_of in TWICE:
            view = f"{address}/?data=digits&normal={OTHER_CLASS}&methods=GNL"
            open_view(browser.new_page(), view, pid=pid, what=f"a run with {count:,} scores, {time_of}")
        browser.close()


def open_view(page: Page, address: str, *, pid: int, what: str) -> None:
    """Measure from the request of a page to its first chart, and then until the server has finished it."""
    received: list[int] = []

    def note(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(len(payload)))

    page.on("websocket", note)
    before = usage_of(pid)
    page.goto(address)
    page.locator(CHART).first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    print_row(f"{what}: first chart", before, usage_of(pid), f"{sum(received) / KIB:.0f} KiB sent to the browser")
    page.locator('[data-test-script-state="notRunning"]').wait_for(state="attached", timeout=FIRST_VISIT_MS)
    print_row(f"{what}: the whole page", before, usage_of(pid), f"{sum(received) / KIB:.0f} KiB sent to the browser")


@contextmanager
def serving(runs: Path) -> Iterator[tuple[str, int]]:
    """Run the app on a folder of runs; yield its address and the number of its process."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.headless", "true"]
    server = subprocess.Popen(  # literals, no shell  # nosec B603
        [*command, "--server.port", str(port)],
        cwd=PROJECT,
        env=os.environ | {"GNL_RUNS": str(runs)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait()


PARTS = {"folder": measure_folder, "bank": measure_bank, "runs": measure_runs, "rows": measure_rows}

if __name__ == "__main__":
    main()
