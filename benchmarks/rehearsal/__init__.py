"""The rehearsal of a short lease: small recipes, the data for them, and the whole sequence on this computer."""
