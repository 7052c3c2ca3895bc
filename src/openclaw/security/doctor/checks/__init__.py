"""The checks of doctor, a module per area. A check gathers nothing itself."""
