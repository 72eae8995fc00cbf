"""A scripted day of a hospital: studies arrive in an S3 bucket with everything that goes wrong, and every total must reconcile.

python -m tests.support.hospital_day --studies 2000
"""
