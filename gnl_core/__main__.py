"""Run the command line as `python -m gnl_core`."""

from gnl_core.cli import main

raise SystemExit(main())
