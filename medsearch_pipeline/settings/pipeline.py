"""Every setting of the pipeline. Only this module reads them from the environment.

Each setting is an environment variable: `MEDSEARCH_` and its name in capitals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.loopback import is_local_host
from medsearch_core.settings import Deployment
from medsearch_pipeline.models.engines.choice import EngineName, EngineOptions, PrecisionName
from medsearch_pipeline.models.registry import NAMES, family_of
from medsearch_pipeline.settings.ecs import EcsSettings
from medsearch_pipeline.settings.layout import MIMIC_CXR, Layout


class Settings(EcsSettings, Deployment, BaseSettings):
    """The settings of a deployment. The defaults run on one machine without servers."""

    model_config = SettingsConfigDict(env_prefix="MEDSEARCH_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    layout: str = Field(
        MIMIC_CXR.pattern.pattern,
        description="regular expression with the groups patient and study; objects with other keys are grouped by header",
    )
    pseudonym_key: SecretStr | None = Field(
        None, description="secret for the keys of studies grouped by header; empty generates one and keeps it in the warehouse"
    )
    check_identity: bool = Field(
        True, description="reject objects whose header names another patient or study than their folder"
    )
    require_uids: bool = Field(
        True,
        description="reject objects without a valid StudyInstanceUID and SOPInstanceUID; if false, an object whose key names "
        "its patient and study gets UIDs made from its SHA-256 and its key",
    )
    thumbnail_side: int = Field(
        512, ge=64, le=4096, description="longest side of a thumbnail in pixels; thumbnails are also the model's input"
    )
    max_pixels: int = Field(400_000_000, ge=1, description="largest frame that is decoded, in pixels")
    decoder: Literal["cpu", "nvimgcodec"] = Field(
        "cpu", description="decoder of compressed pixels: the CPU, or NVIDIA's nvImageCodec on a GPU where possible"
    )
    decode_workers: int = Field(0, ge=0, le=256, description="number of decoding processes; 0 means one per available CPU")
    decode_seconds: int = Field(120, ge=1, description="CPU seconds allowed for decoding one object")
    decode_memory_gib: float = Field(3, ge=0.5, description="memory limit of a decoding process, in GiB")
    model: str = Field("densenet121", description=f"embedding model: {', '.join(NAMES)}")
    weights: str = Field(
        "imagenet",
        description="imagenet (what the model's authors published), random, or the path of a .safetensors or state-dict file; "
        "for the model `file`, the path of the model",
    )
    engine: EngineName = Field(
        "auto",
        description="engine of the model: torch, torch-compiled, openvino, onnxruntime, or auto for the fastest, "
        "as measured on the machine",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="device of the model: cpu, cuda, cuda:N, or auto for a GPU if there is one",
    )
    precision: PrecisionName = Field(
        "auto", description="fp32, bf16, or auto for bf16 where it is measured to be faster and the vectors match fp32"
    )
    model_threads: int = Field(
        0, ge=0, le=1024, description="threads of the model on a CPU; 0 means as many as the process may use"
    )
    model_cache: str = Field(
        "~/.cache/medsearch/models",
        description="cache folder for converted models and measured engines, so that runs start faster",
    )
    report_reader: Literal["rules", "comprehend"] = Field(
        "rules",
        description="report NLP engine: the project's rules, or Amazon Comprehend Medical, a paid service",
    )
    comprehend_region: str | None = Field(None, description="region of Comprehend Medical; empty means the process's own")
    comprehend_min_entity_score: float = Field(0.5, ge=0, le=1, description="minimum score of an entity of Comprehend Medical")
    comprehend_min_trait_score: float = Field(0.5, ge=0, le=1, description="minimum score of a trait such as NEGATION")
    comprehend_min_code_score: float = Field(0.4, ge=0, le=1, description="minimum score of an ICD-10-CM code of an entity")
    batch_size: int = Field(
        0, ge=0, le=4096, description="images per batch; 0 means at least 8 on a CPU, and as many as fit on a GPU"
    )
    embedder_host: str = Field("127.0.0.1", description="address that `medsearch embedder` listens on")
    embedder_port: int = Field(8001, ge=1, le=65535, description="port that `medsearch embedder` listens on")
    embedder_token: SecretStr = Field(
        SecretStr(""),
        description="shared token of service and embedder; must equal MEDSEARCH_API_EMBEDDER_TOKEN; may be empty on loopback",
    )
    embedder_max_bytes: int = Field(64 * 2**20, ge=1, description="largest file that is embedded on request, in bytes")
    embedder_max_pixels: int = Field(
        50_000_000, ge=1, description="largest image or frame that is embedded on request, in pixels"
    )
    embedder_seconds: int = Field(10, ge=1, description="CPU seconds allowed for decoding an uploaded file")
    embedder_memory_gib: float = Field(
        1.5, ge=0.5, description="memory limit of the process that decodes uploaded files, in GiB"
    )
    max_partitions_per_run: int = Field(256, ge=1, description="maximum studies per run of a backfill")
    sensors: Literal["running", "stopped"] = Field(
        "running",
        description="whether sensors and schedules run from the first start, or stay off until started in Dagster's UI",
    )
    settle_seconds: int = Field(60, ge=0, description="seconds without changes before a study is ingested")
    max_wait_seconds: int = Field(900, ge=0, description="maximum seconds that a study which keeps changing waits")
    dispatch_interval_seconds: int = Field(15, ge=1, description="seconds between ingest_sensor's checks for studies to ingest")
    scan_objects_per_tick: int = Field(
        20_000, ge=1, description="objects of the landing store that landing_sensor scans per tick"
    )
    scan_interval_seconds: int = Field(
        30, ge=1, description="seconds between landing_sensor's scans of the next part of the store"
    )
    inventory_cron: str = Field("0 * * * *", description="when inventory_schedule scans the whole store, in UTC")
    ledger_cron: str = Field("30 3 * * *", description="when ledger_schedule accounts for every object, in UTC")
    max_runs_in_flight: int = Field(8, ge=1, description="maximum runs that each sensor has queued or started at once")
    step_retries: int = Field(5, ge=0, description="retries of a step whose store or index was busy or unreachable")
    step_retry_seconds: float = Field(
        10, ge=0, description="seconds before the first retry, with 50 % jitter; doubled for each further one"
    )
    index_releases_kept: int = Field(2, ge=1, description="published releases of the index to keep, including the current one")
    index_min_recall: float = Field(
        0.95, ge=0, le=1, description="minimum recall@10, against exact search, for publishing a release"
    )
    events_queue: str | None = Field(
        None, description="URL of the SQS queue for the landing bucket's events; empty disables events"
    )
    events_per_tick: int = Field(10_000, ge=1, le=100_000, description="maximum messages of that queue per tick")
    sqs_endpoint: str | None = Field(None, description="address of an SQS-compatible service; empty means AWS")
    min_joined_reports: float = Field(
        0.95, ge=0, le=1, description="a check warns if a smaller share of landed reports is matched to a study"
    )
    min_reported_studies: float = Field(
        0.5, ge=0, le=1, description="a check warns if a smaller share of studies with images has a report"
    )
    event_check_runs: int = Field(
        5, ge=1, description="number of newest finished runs whose events are searched for patient data"
    )
    inventory_fresh_hours: float = Field(
        24, ge=0.05, description="hours since the last inventory after which Dagster shows it as not fresh; a warning at half"
    )
    ledger_fresh_hours: float = Field(
        24, ge=0.05, description="hours since the last ledger after which Dagster shows it as not fresh; a warning at half"
    )
    alert_webhook: SecretStr | None = Field(
        None, description="https URL that alerts are posted to as JSON (Slack, Teams, Mattermost); empty disables alerts"
    )
    alert_timeout_seconds: float = Field(5, gt=0, le=15, description="seconds that the webhook may take to respond")
    dagster_url: str = Field("http://localhost:3000", description="URL of Dagster's UI, for links in alerts")
    webserver_hosts: str = Field(
        "",
        description="host names, separated by commas, that `medsearch webserver` accepts besides localhost and the host of "
        "MEDSEARCH_DAGSTER_URL",
    )
    api_url: str = Field(
        "http://localhost:8000",
        description="URL of the service for browsers, for previews in Dagster's UI; must be on the same site as that UI",
    )

    @field_validator("events_queue")
    @classmethod
    def _is_the_landing_buckets(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and not (value.startswith(("https://", "http://")) and urlsplit(value).path.strip("/")):
            raise ValueError("give the queue's URL, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, not its name or ARN")
        if value and not str(info.data.get("landing", "s3://")).startswith("s3://"):
            raise ValueError("events come from a bucket: set MEDSEARCH_LANDING to s3://bucket/prefix, or leave the queue unset")
        return value

    @field_validator("alert_webhook")
    @classmethod
    def _is_protected(cls, value: SecretStr | None) -> SecretStr | None:
        at = urlsplit(value.get_secret_value() if value else "")
        if value and not (at.hostname and (at.scheme == "https" or (at.scheme == "http" and is_local_host(at.hostname)))):
            raise ValueError("give an https:// address; http:// only on this machine")
        return value

    @field_validator("model")
    @classmethod
    def _is_a_model(cls, value: str) -> str:
        try:
            family_of(value)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("layout")
    @classmethod
    def _names_patient_and_study(cls, value: str) -> str:
        try:
            Layout.of(value)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return value

    @property
    def webserver_names(self) -> frozenset[str]:
        """The host names of Dagster's webserver, in lower case, besides those of this machine."""
        named = [urlsplit(self.dagster_url).hostname or "", *self.webserver_hosts.split(",")]
        return frozenset(name.strip().lower() for name in named) - {""}

    @property
    def engine_options(self) -> EngineOptions:
        """The engine options of the model."""
        return EngineOptions(self.engine, self.device, self.precision, self.model_threads, Path(self.model_cache))
