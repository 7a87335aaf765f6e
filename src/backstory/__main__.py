"""`python -m backstory` is the `backstory` command."""

import sys

from backstory.cli import main

sys.exit(main())
