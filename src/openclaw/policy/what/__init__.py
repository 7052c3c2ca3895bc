"""What the bot may touch: tools, commands, files, addresses, labels, secrets."""
