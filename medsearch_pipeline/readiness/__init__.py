"""`medsearch check`: whether a deployment can work as it is set up, a module for each kind of check."""
