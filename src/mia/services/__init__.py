"""Use cases, one a file: each follows the data one way through the house."""
