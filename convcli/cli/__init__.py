"""One file per command: a signature, one import, one call, one print."""
