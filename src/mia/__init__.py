"""MIA: a personalised offer recommendation engine for a mobile operator."""
