"""Lessons as one HTML file that people can touch: data by Python, drawing by JavaScript."""
