"""What is computed from a network: summaries, costs, receptive fields, sizes that fit."""
