"""The web chat, reached over the gateway's own socket."""
