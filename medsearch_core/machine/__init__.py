"""The machine: how many CPUs a process may use, and which addresses are its own."""
