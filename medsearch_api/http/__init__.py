"""HTTP concerns shared by all routes: middleware, logs, metrics, error codes and the page's files."""
