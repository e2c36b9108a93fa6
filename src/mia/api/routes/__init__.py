"""Routes of the door, one noun a file."""
