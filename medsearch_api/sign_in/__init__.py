"""Sign-in: whose tokens are believed, what roles they give, and how the page gets its session (docs/adr/0007-sign-in.md)."""
