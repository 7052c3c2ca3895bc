"""RPC methods, a module per family."""
