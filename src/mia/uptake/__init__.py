"""Connections counted once, and how they grew."""
