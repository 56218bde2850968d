"""Which resources a client means by filterCriteria (TS-0004 clause 7.3.3.17), and what of them it gets."""
