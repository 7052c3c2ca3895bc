"""Answers for people from the functions that decide at run time: what may happen, why, and what would change it."""
