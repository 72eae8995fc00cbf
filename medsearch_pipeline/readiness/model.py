"""Whether the configured model can be loaded. Downloads its weights if needed."""

from __future__ import annotations

from medsearch_pipeline.models.availability import DOWNLOAD_SECONDS, availability
from medsearch_pipeline.readiness.finding import Finding
from medsearch_pipeline.settings import Settings


def check_model(settings: Settings) -> Finding:
    """Whether the model can be loaded here."""
    found = availability(settings, DOWNLOAD_SECONDS, is_kept_enough=False)
    if found is not None and found.is_available:
        return Finding(check="model", level="ok", message=found.sentence, setting="MEDSEARCH_MODEL", value=settings.model)
    if found is None:
        return Finding(
            check="model",
            level="warning",
            message="another process is still loading it or downloading its weights",
            setting="MEDSEARCH_MODEL",
            value=settings.model,
            advice="run medsearch check again later; until then no run is requested",
        )
    message, _, advice = found.sentence.partition(". ")
    return Finding(
        check="model",
        level="problem",
        message=message,
        setting="MEDSEARCH_MODEL",
        value=settings.model,
        advice=advice or "see docs/models.md",
    )
