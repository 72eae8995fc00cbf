"""Which reader finds the mentions of a report: the project's own rules, or Amazon Comprehend Medical."""
