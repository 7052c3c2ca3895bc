"""Session freshness, reset and visibility over the stores of openclaw.state."""
