"""Raw records to canonical tables: every rule checked, every rejected row kept with its reason."""
