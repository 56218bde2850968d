"""What units of work have left to be carried out outside: claimed, in lanes, with pauses, at least once."""
