"""ABC notation: tokens, tunes, tune books and the canonical form."""
