"""Who can talk to the bot: gateway auth, pairing, admission of senders, command authority."""
