"""The dashboard page and its charts."""
