"""Starting and supervising the processes of a complete system on one machine, for `medsearch up` and `medsearch demo`."""
