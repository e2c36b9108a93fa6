"""Catalogue, eligibility and contact policy: which offers a subscriber may see, and why not the others."""
