"""What a report says beside its findings: recommendations, communication, categories."""
