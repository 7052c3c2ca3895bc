"""Where commands run: on the host or inside a sandbox back end."""
