"""The fixtures of the page tests."""

from tests.app.conftest import components_listed_once, own_runs  # noqa: F401 (fixtures)
