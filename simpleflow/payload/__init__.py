"""Users' values on their way: the codec is the only encoder of them."""
