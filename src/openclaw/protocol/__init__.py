"""The gateway's wire without a server: frames, codec, error codes, device signatures and the client."""
