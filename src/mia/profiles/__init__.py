"""Usage profiles: daily roll-ups, then windows over days, declared once as Ibis expressions."""
