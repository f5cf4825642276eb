"""WHY: versions, names, notes, phases, plans, settings, errors. No I/O, no clock, no vendor."""
