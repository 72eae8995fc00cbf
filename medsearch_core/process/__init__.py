"""How the project's processes start: settings from the environment, umask, signals."""
