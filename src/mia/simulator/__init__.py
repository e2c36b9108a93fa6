"""A synthetic operator with known truth."""
