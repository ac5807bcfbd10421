"""python -m gnl_core is the command gnl."""

from gnl_core.cli import main

raise SystemExit(main())
