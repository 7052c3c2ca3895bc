"""The typed configuration: reading, validating, editing, reloading, and compiling it into a Policy."""
