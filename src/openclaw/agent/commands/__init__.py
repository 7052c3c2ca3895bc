"""Slash commands and directives."""
