"""Events rolled up, each connection counted once, and how they grew."""
