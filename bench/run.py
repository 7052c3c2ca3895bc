"""`make bench`: prints speed and memory figures. This file only finds the other modules of the folder."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from bench.main import main

    sys.exit(main(sys.argv[1:]))
