"""The AppSync API of AWS's sample: its query, its types, and the S3 objects that it names."""
