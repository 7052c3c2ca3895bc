"""The only code that sees both config models and the Policy: it makes the one from the other."""
