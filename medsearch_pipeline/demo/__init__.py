"""The project's own demo data and the demo that runs on it. Nothing in production imports this package."""
