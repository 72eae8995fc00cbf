"""How a process of the project begins: its settings from the environment, its umask, its signals."""
