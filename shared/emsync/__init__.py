"""emsync: values and client that both ends share. Standard library only."""

__version__ = "0.1.0"
__all__ = ["__version__"]
