"""Operations explained step by step: what is read, multiplied and summed for every output cell."""
