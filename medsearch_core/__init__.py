"""What the pipeline and the service share. No Dagster, Strawberry or torch in here, and nothing reads the environment."""
