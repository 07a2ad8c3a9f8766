"""The flat byte transformer: one causal decoder over single bytes, without patches."""
