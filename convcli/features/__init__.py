"""Networks of random filters as features: a network run on pictures, and what it sees."""
