"""The command line: a module per command group, imported when it is called."""
