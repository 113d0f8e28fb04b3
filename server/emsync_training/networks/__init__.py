"""Networks as torch modules, and nothing but the networks."""
