"""`alert_sensor`: posts each failure to the webhook, once.

Dagster's own run failure sensor advances even if delivery failed; this one advances only past delivered alerts.
"""

import time

import dagster as dg
from dagster._core.remote_origin import RemoteRepositoryOrigin

from medsearch_pipeline.alerts.alert import payload_of
from medsearch_pipeline.alerts.failures import AlertCursor, Watch
from medsearch_pipeline.alerts.webhook import BACKOFF_SECONDS, AlertNotDelivered, Webhook
from medsearch_pipeline.settings import Settings

NAME = "alert_sensor"
INTERVAL_SECONDS = 30
BUDGET_SECONDS = 10.0
"""After this time a tick begins no further alert: Dagster ends a tick after 60 s, and one alert may take 49."""


def build_alert_sensor(settings: Settings, backoff_seconds: tuple[float, ...] = BACKOFF_SECONDS) -> dg.SensorDefinition | None:
    """The `alert_sensor` of a deployment; None where no webhook is configured."""
    if not settings.alert_webhook:
        return None
    webhook = Webhook(settings.alert_webhook.get_secret_value(), settings.alert_timeout_seconds, backoff_seconds)

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus(settings.sensors.upper()),
        description="Posts failed runs, failed checks, failing sensors and schedules, and stale assets to the webhook.",
    )
    def alert_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Posts the failures since the last tick. Undelivered alerts stay pending."""
        started, watch = time.monotonic(), watch_of(context, settings.dagster_url.rstrip("/"))
        cursor = AlertCursor.model_validate_json(context.cursor) if context.cursor else watch.now()
        delivered = 0
        for alert, after in watch.pending_alerts(cursor):
            if alert:
                try:
                    webhook.post(payload_of(alert))
                except AlertNotDelivered as error:
                    if not delivered:
                        raise
                    return _result(cursor, f"{delivered} alerts delivered, then {error}")
                delivered += 1
            cursor = after
            if time.monotonic() - started > BUDGET_SECONDS:
                return _result(cursor, f"{delivered} alerts delivered; the next tick continues")
        return _result(cursor, f"{delivered} alerts delivered" if delivered else "no new failures")

    return alert_sensor


def watch_of(context: dg.SensorEvaluationContext, url: str) -> Watch:
    """The watch of a sensor over its own code location."""
    repository, place = context.repository_def, context.code_location_origin
    if repository is None:
        raise dg.DagsterInvariantViolationError(f"{NAME} needs its repository")
    graph = repository.asset_graph
    return Watch(
        instance=context.instance,
        repository=RemoteRepositoryOrigin(place, repository.name) if place else None,
        checks=sorted(graph.asset_check_keys, key=lambda key: key.to_user_string()),
        assets=sorted(key for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy_or_from_metadata),
        itself=NAME,
        url=url,
    )


def _result(cursor: AlertCursor, reason: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=cursor.model_dump_json())
