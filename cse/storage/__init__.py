"""What an operator does with stores: check what is in them, back them up, and convert them."""
