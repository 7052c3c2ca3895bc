"""The configuration keys of each channel, a module per channel."""
