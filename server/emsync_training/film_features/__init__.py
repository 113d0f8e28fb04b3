"""Networks on features of films: reading feature folders, training fusion and genre networks."""
