"""The RPC methods: one module per family, one explicit tuple of all that exists."""
