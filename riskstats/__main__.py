"""`python -m riskstats` is the command `riskstats`."""

import sys

from riskstats.cli import main

if __name__ == "__main__":
    sys.exit(main())
