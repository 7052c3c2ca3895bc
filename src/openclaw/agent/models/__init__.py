"""Model clients behind one port; provider wires load at first use."""
