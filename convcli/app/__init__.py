"""What a command does: typed options in, a result out."""
