"""Kernels: what one is, the catalogue, how text names one, how one is factored."""
