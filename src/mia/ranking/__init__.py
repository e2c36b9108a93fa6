"""Pair features, rankers, calibration, exploration, arbitration and explanation."""
