"""Many pictures: which they are, where results go, who does the work, and what is reported."""
