"""Lift: what arm `mia` connects beyond arm `control`, with intervals that hold at every look."""
