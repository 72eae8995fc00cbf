"""The search index: what is indexed, what can be asked, and the implementations behind one protocol."""
