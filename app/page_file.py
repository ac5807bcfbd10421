"""What Explore shows as one HTML file. Imports PyTorch: import it only when the file is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from app.checkpoints import Checkpoint
from app.compute import run_of
from app.server import rules
from app.sources import source_of
from gnl_core.page.build import build_page
from gnl_core.page.collect import collect_view, with_scores
from gnl_core.runs.images import list_domain


def page_of(checkpoints: Sequence[Checkpoint], *, shifted: str, visitor: str) -> str:
    """Build a self-contained HTML file of the methods in their own domain and in a shifted one.

    Args:
        checkpoints: The methods' checkpoints.
        shifted: The shifted domain.
        visitor: Who asked for it, since no page is drawn while a download is made.

    Raises:
        ValueError: If a checkpoint cannot be used, an image cannot be read, or a limit of the server is exceeded; the
            message says why.
    """
    loaded = [with_scores(checkpoint.folder, run_of(source_of(checkpoint))) for checkpoint in checkpoints]
    rules.count_computation(len(list_domain(loaded[0].run.config, shifted)), visitor=visitor)
    return build_page(collect_view(loaded, domains=[shifted]))
