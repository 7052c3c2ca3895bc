"""Where the bot may act: mention gate, routing, session keys, sandbox mode, scopes."""
