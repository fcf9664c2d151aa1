"""Pictures in, pictures out: bytes → array → bytes."""
