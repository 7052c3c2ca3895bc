"""The agent runtime: lanes, turns, prompts, sessions, models and slash commands."""
