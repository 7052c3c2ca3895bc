"""Runners of policy cases, one module per kind; tests and `openclaw policy test` share them."""
