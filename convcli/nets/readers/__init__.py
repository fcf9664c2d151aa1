"""Readers: text and files that become a network, one module or package per kind."""
