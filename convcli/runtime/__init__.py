"""A network run on arrays: layers, weights, and the memory that they take."""
