"""`openclaw verify`: re-checks what this product claims, on the very functions that it ships, offline.

Each claim is checked over the whole of a finite domain, and again on twins: copies of the same functions with one fault
in each. A claim counts only when the functions pass and every twin is caught, so that a check that sees nothing fails.
"""
