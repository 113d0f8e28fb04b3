"""Training of the shot finder: montages of real shots, joined and disturbed at known frames."""
