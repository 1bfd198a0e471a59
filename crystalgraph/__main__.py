"""`python -m crystalgraph` is the command `crystalgraph`."""

import sys

from crystalgraph.cli import main

if __name__ == "__main__":
    sys.exit(main())
