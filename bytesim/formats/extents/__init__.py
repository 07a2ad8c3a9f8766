"""Files inside other files: where one begins, by its signature, and where it ends, by its own length fields."""
