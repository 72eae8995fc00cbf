"""`medsearch reindex`: a complete new release of the index, built from Parquet alone."""
