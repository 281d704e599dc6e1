"""One market as the house sees it, and the registry of all of them."""
