"""WHO: one module per outside system, the only one that imports its package."""
