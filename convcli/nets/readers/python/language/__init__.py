"""The Python language: what expressions, statements, calls and definitions mean."""
