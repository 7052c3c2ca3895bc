"""The gateway as a service of the user: a systemd user unit or a launchd agent (config.md 4.2, advisory I7)."""
