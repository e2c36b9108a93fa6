"""Quality: what an analyst wants to know of the lake before trusting it, as named checks and one page."""
