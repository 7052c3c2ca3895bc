"""The state directory: its layout, private atomic files and locks, and a module per store."""
