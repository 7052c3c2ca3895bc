"""The agent's hands: the contract, the gate (the single door), approvals and a module per tool."""
