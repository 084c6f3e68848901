"""Two faces compared, and what moved the answer."""
