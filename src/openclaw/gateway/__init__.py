"""The gateway process: transport, handshake, connections, events and methods."""
