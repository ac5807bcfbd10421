"""The app. It imports gnl_core; nothing imports the app."""

from pathlib import Path
from threading import Lock

PROJECT = Path(__file__).parents[1]

# Held while pandas is imported: Plotly fails if another visitor's thread has imported only half of it.
PANDAS = Lock()


def load_pandas() -> None:
    """Import pandas, which Plotly needs; it takes half a second."""
    with PANDAS:
        import pandas  # noqa: F401, PLC0415
