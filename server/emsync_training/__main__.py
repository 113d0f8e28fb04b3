"""`python -m emsync_training COMMAND`."""

from emsync_training.commands import main

raise SystemExit(main())
