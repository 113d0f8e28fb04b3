"""Training of emsync's own networks: corpus, data, networks, loops, export. The server never
imports this package.
"""
