"""Plugins: discovery, allowlist, install, integrity and loading."""
