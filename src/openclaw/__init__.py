"""openclaw: an AI gateway for chat apps whose security is enforced and provable."""
