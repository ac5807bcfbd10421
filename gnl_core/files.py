"""Write files atomically, and hash them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

TEMPORARY_CHARACTERS = 32  # of a file's name that its temporary name begins with; names have at most 255 bytes


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file, then rename it, so that readers see either the old or the new file, complete."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name[:TEMPORARY_CHARACTERS]}.", delete=False
    ) as stream:
        temporary = Path(stream.name)
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)  # temporary files are private, runs are not
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # the folder may be gone
        raise
