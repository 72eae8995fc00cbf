"""The service's processes: a supervisor, N workers that answer, and one that keeps what all of them share (ADR 31)."""
