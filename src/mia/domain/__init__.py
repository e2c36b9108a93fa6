"""The language of MIA as plain frozen types; nothing here but the standard library."""
