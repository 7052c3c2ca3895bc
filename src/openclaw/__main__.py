"""`python -m openclaw` is the `openclaw` command."""

import sys

from openclaw.cli.entry import main

sys.exit(main())
