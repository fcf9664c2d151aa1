"""Lessons as one interactive HTML file: data by Python, drawing by JavaScript."""
