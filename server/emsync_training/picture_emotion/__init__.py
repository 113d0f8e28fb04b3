"""Picture to valence and arousal: rated photographs, a kernel regression, its held-out figures."""
