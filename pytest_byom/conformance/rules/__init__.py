"""Rules that hold for every answer of a kind, one module an area."""
