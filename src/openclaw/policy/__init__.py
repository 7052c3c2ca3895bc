"""The kernel: facts in, Verdict out. No I/O, no clock, no async, no logging, no config models."""
