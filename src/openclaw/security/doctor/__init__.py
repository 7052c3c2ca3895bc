"""What is wrong with an installation, and how to mend it (config.md 5.1).

Facts are gathered once (`gather`), checks are functions over them (`checks`, listed in `registry`), a repair is an
object of `repairs` that says what it will do before it does it. Nothing is repaired silently.
"""
