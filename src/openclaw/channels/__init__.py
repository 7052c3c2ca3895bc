"""Chat channels: the contract, intake, delivery and approval prompts; a package per channel."""
