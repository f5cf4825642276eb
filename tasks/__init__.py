"""HOW each step is made true: one file per step, named after it."""
