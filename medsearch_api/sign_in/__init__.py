"""Sign-in: accepted tokens, the roles they grant, and the page's sessions (docs/adr/0007-sign-in.md)."""
