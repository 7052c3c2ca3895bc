"""`cron`: scheduled runs (config.md 3.13)."""

from openclaw.config.base import Block, Positive


class Cron(Block):
    """Scheduled runs."""

    enabled: bool | None = None
    """Run the scheduler. Default: true."""
    store: str | None = None
    """File of the jobs. Default: <state>/cron/jobs.json."""
    max_concurrent_runs: Positive | None = None
    """Runs at a time. Default: 1."""
