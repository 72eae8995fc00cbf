"""Starting and watching the processes of a whole system on one machine, for `medsearch up` and `medsearch demo`."""
