"""Readers: text and files that become a network, a sibling a kind."""
