"""Thirty visitors at once: no error, true answers, and memory that stays flat."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.browser.conftest import PROJECT, free_port, wait_until_healthy
from tests.torture.load.sessions import Move, Record, Visit, visit_together

PAUSE_SECONDS = 2.0
WARM_SHARE = 0.4  # of the load, in which models, pages and images are loaded for the first time
MOST_GROWTH = 1.1
PARTS = "data=Parts+(rendered)"
VISITS = (
    Visit(
        "",
        f"{PARTS}&shift=lit+from+another+side",
        "Lit from another side, RD4AD",
        [Move("strength", "0.5"), Move("fdm_gnl", False)],
    ),
    Visit("", "data=Digits", "Blended with photographs, RD4AD", [Move("strength", "0.25"), Move("strength", "0.75")]),
    Visit(  # scores that nobody has computed
        "",
        f"{PARTS}&shift=with+sensor+noise&reduction=mean",
        "With sensor noise, RD4AD",
        [Move("strength", "0.5")],
    ),
    Visit(
        "inspect",
        f"{PARTS}&shift=on+another+background&image=7",
        "on another background",
        [Move("opacity", 0.3), Move("strength", "0.5")],
    ),
    Visit("shift-lab", f"{PARTS}&shift=contrast&severity=2", "Contrast"),
    Visit("compare", "", "Contribution of each part"),
    Visit("learn", "step=2", "You expect"),
    Visit("learn", "step=6", "reference: mean of 8 training images"),
    Visit("train", PARTS, "nut"),
    Visit("follow", "", ""),
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads a process's memory from /proc")


class Server(NamedTuple):
    """A server of the app.

    Attributes:
        address: http://host:port.
        process: Its process.
        log: The file with what it prints, such as the traceback of an error that its pages hide.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def resident_mb(self) -> float:
        """Return the resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app/serve.py", "--server.port", str(port)]
    environment = os.environ | {"GNL_RUNS": str(tmp_path / "runs"), "STREAMLIT_SERVER_HEADLESS": "true"}
    log = tmp_path / "server.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
            yield Server(f"http://127.0.0.1:{port}", process, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture
def training(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[None]:
    """A training that runs meanwhile, in the full form."""
    if not pytestconfig.getoption("torture"):
        yield
        return
    settings = ["--dataset", "parts", "--normal-class", "weave", "--epochs", "500", "--image-size", "128"]
    command = [sys.executable, "-m", "gnl_core", "train", *settings]
    run = tmp_path / "runs" / "training"
    log = tmp_path / "training.txt"
    with log.open("wb") as output, subprocess.Popen([*command, "--run", str(run)], stderr=output) as process:
        yield
        assert process.poll() is None, f"the training ended: {log.read_text()}"
        process.terminate()


def watch_memory(server: Server, ended: threading.Event, resident_mb: list[float]) -> None:
    while not ended.wait(1.0):
        resident_mb.append(server.resident_mb())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_visitors_see_no_error_and_memory_stays_flat(
    server: Server, training: None, scaled: Callable[..., int], report_figures: Callable[..., None]
):
    record, resident_mb, ended = Record(), list[float](), threading.Event()
    watch = threading.Thread(target=watch_memory, args=(server, ended, resident_mb))
    watch.start()
    visitors, seconds = scaled(short=3, full=30), scaled(short=6, full=300)
    try:
        visit_together(server.address, VISITS, record, visitors=visitors, seconds=seconds, pause=PAUSE_SECONDS)
    finally:
        ended.set()
        watch.join()
    assert record.errors == [], server.log.read_text(errors="replace")
    assert len(record.drawn) >= visitors
    for page in ["", *sorted({drawn.page for drawn in record.drawn})]:
        times = [drawn.seconds for drawn in record.drawn if page in ("", drawn.page)]
        report_figures(f"load, {page or 'all pages'}", drawn=len(times), **percentiles(times))
    warm = resident_mb[int(WARM_SHARE * len(resident_mb)) :]
    before, after = np.median(warm[: len(warm) // 4 + 1]), np.median(warm[-len(warm) // 4 :])
    time.sleep(scaled(short=0, full=15))
    report_figures(
        "load, resident memory in MB", warm=round(before), end=round(after), closed=round(server.resident_mb())
    )
    if visitors == 30:
        assert after <= MOST_GROWTH * before


def percentiles(seconds: Sequence[float]) -> dict[str, str]:
    return {f"p{percent}": f"{np.percentile(seconds, percent):.2f} s" for percent in (50, 95, 100)}
