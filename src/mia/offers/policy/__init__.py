"""The policy as a file: read, validated and versioned, with a default that says what each line is for."""

from mia.offers.policy.document import build_policy, default_policy, default_text, load_policy, read_policy

__all__ = ["build_policy", "default_policy", "default_text", "load_policy", "read_policy"]
