"""A filter run: its specification, its plan, and how the plan is applied."""
