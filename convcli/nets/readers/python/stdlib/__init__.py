"""Builtins and modules of the standard library, as far as model files use them."""
