"""From nothing to a safe, working gateway: answers, their effect on the config, checks by real use (config.md 5.2).

Nothing here asks or prints: commands collect answers and call this.
"""
