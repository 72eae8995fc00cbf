"""The AppSync API of AWS's sample: its queries, its types, and the S3 locations in its results."""
