"""Rankers: every one is fitted on pairs and labels, scores pairs, and lives in a folder of text files."""
