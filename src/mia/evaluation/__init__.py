"""Splits, ranking and calibration metrics, off-policy value, and the gate."""
