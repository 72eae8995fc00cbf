"""The work of the study assets, without Dagster: from landed objects to images, reports, embeddings and documents."""
