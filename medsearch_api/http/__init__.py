"""What the service does for every request, whatever its route: middleware, logs, measurements, error codes, the page."""
