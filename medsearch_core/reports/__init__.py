"""Report text to sections, entities, assertions and ICD-10-CM codes: pure functions over text."""
