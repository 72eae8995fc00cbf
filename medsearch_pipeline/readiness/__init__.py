"""`medsearch check`: whether a deployment's setup works; one module per kind of check."""
