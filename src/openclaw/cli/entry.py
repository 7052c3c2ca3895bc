"""The console script. Version and root help are answered from data; the rest goes to the command tree."""

import os
import sys


def main() -> int:
    """Run the command line and return the exit code (config.md 4.1)."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from openclaw.version import VERSION

        sys.stdout.write(VERSION + "\n")
        return 0
    if arguments in (["--help"], ["-h"], ["help"]):
        from openclaw.cli.commands import root_help

        sys.stdout.write(root_help())
        return 0
    # No package that merely happens to be installed runs in our process. pydantic reads nothing but the real table.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # noqa: TID251
    from openclaw.cli.root import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
