"""The configuration keys of each top-level section, a module per section; each is imported only when it is needed."""
