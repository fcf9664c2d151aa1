"""What a network is: text → network → summary. Standard library only."""
