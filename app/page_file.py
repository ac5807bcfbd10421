"""What a page shows as one HTML file. Imports PyTorch: import it only when the file is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from app.checkpoints import Checkpoint
from app.compute import run_of
from app.server import rules
from app.sources import source_of
from gnl_core.page.build import build_page
from gnl_core.page.collect import STRENGTHS, collect_view, list_shown, with_scores


def page_of(
    checkpoints: Sequence[Checkpoint],
    *,
    domains: Sequence[str],
    visitor: str,
    strengths: Sequence[float] = STRENGTHS,
    most: int | None = None,
) -> str:
    """Build a self-contained HTML file of the methods in their own domain and in shifted ones.

    Args:
        checkpoints: The methods' checkpoints.
        domains: The shifted domains.
        visitor: Who asked for it, since no page is drawn while a download is made.
        strengths: Strengths of matching, weakest first.
        most: Largest number of images of each label that are drawn from a domain; None for all images.

    Raises:
        ValueError: If a checkpoint cannot be used, an image cannot be read, or a limit of the server is exceeded; the
            message says why.
    """
    loaded = [with_scores(checkpoint.folder, run_of(source_of(checkpoint))) for checkpoint in checkpoints]
    images = sum(len(list_shown(loaded[0].run, domain, most=most)) for domain in domains)
    rules.count_computation(images, visitor=visitor)
    return build_page(collect_view(loaded, domains=domains, strengths=strengths, most=most))
