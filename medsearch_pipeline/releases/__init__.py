"""`medsearch reindex`: a whole release of the index, built from Parquet alone beside the current one."""
