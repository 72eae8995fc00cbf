"""What can be found, as data: concepts, their phrases, organs and codes."""
