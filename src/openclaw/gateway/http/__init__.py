"""HTTP endpoints, a module per endpoint."""
