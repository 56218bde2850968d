"""Who is who: credentials bound to originators, and the safety of the connection."""
