"""Training of the networks that emsync ships."""
