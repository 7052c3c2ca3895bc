"""The finite domain of a policy: whom it can tell apart, where, and what each of them may do.

People whom every list treats alike are one class, and so are rooms with equal settings: what the matrix of
`openclaw explain` prints and the policy diff compares is complete although nobody is asked twice.
"""
