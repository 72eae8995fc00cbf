"""What a study asset does, without Dagster: from landed objects to images, reports, embeddings and documents."""
