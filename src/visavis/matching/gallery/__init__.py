"""People who are known by their faces: who is this, or nobody we know."""

DEFAULT_URL = "sqlite:///people.db"
