"""`python -m emsync_server`: the command line."""

from emsync_server.cli import main

if __name__ == "__main__":
    main()
