"""Every setting of the pipeline, and the only place of it that reads the environment.

Each setting is an environment variable: its name in capitals with `MEDSEARCH_` in front.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.errors import ConfigurationError
from medsearch_core.loopback import is_local_host
from medsearch_core.settings import Deployment
from medsearch_pipeline.models.engines.choice import EngineName, EngineOptions, PrecisionName
from medsearch_pipeline.models.registry import NAMES, family_of
from medsearch_pipeline.settings.ecs import EcsSettings
from medsearch_pipeline.settings.layout import MIMIC_CXR, Layout


class Settings(EcsSettings, Deployment, BaseSettings):
    """What a deployment may choose. The defaults run on one machine with no server."""

    model_config = SettingsConfigDict(env_prefix="MEDSEARCH_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    layout: str = Field(
        MIMIC_CXR.pattern.pattern,
        description="regular expression with the groups patient and study, for keys that spell both; others go by header",
    )
    pseudonym_key: SecretStr | None = Field(
        None, description="secret behind the keys of studies grouped by header; empty means one kept in the warehouse"
    )
    check_identity: bool = Field(
        True, description="refuse objects whose header names another patient or study than their folder"
    )
    thumbnail_side: int = Field(
        512, ge=64, le=4096, description="longest side of a thumbnail in pixels, also the model's input"
    )
    max_pixels: int = Field(400_000_000, ge=1, description="largest frame that is decoded, in pixels")
    decoder: Literal["cpu", "nvimgcodec"] = Field(
        "cpu", description="who decodes compressed pixels: the processor, or NVIDIA's nvImageCodec on a GPU where it can"
    )
    decode_workers: int = Field(
        0, ge=0, le=256, description="processes that decode images; 0 means as many as there are processors for this one"
    )
    decode_seconds: int = Field(120, ge=1, description="seconds of a processor that the decoding of one object may take")
    decode_memory_gib: float = Field(3, ge=0.5, description="memory that a process which decodes may have, in GiB")
    model: str = Field("densenet121", description=f"the embedding's model: {', '.join(NAMES)}")
    weights: str = Field(
        "imagenet",
        description="imagenet (what the model's authors published), random, or the path of a .safetensors or state-dict file; "
        "of the model `file`, the path of the model",
    )
    engine: EngineName = Field(
        "auto", description="what runs the model: torch, torch-compiled, openvino, onnxruntime, or the fastest that can"
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="where the model runs: cpu, cuda, cuda:N, or a GPU if there is one",
    )
    precision: PrecisionName = Field(
        "auto", description="fp32, bf16, or bf16 where the hardware has it and the model's vectors stay those of fp32"
    )
    model_threads: int = Field(
        0, ge=0, le=1024, description="threads of the model on a processor; 0 means as many as the process may use"
    )
    model_cache: str = Field(
        "~/.cache/medsearch/models", description="folder that converted models are kept in, so that runs start sooner"
    )
    report_reader: Literal["rules", "comprehend"] = Field(
        "rules",
        description="who finds the mentions in reports: the project's rules, or Amazon Comprehend Medical, which is paid for",
    )
    comprehend_region: str | None = Field(None, description="region of Comprehend Medical; empty means the process's own")
    comprehend_min_entity_score: float = Field(0.5, ge=0, le=1, description="least score of an entity of Comprehend Medical")
    comprehend_min_trait_score: float = Field(0.5, ge=0, le=1, description="least score of a trait such as NEGATION")
    comprehend_min_code_score: float = Field(0.4, ge=0, le=1, description="least score of an ICD-10-CM code of an entity")
    batch_size: int = Field(
        0, ge=0, le=4096, description="images the model is given at once; 0 means 8 on a processor, as many as fit on a GPU"
    )
    embedder_host: str = Field("127.0.0.1", description="address that `medsearch embedder` listens on")
    embedder_port: int = Field(8001, ge=1, le=65535, description="port that `medsearch embedder` listens on")
    embedder_token: SecretStr = Field(
        SecretStr(""),
        description="what the service says to the embedder, as its own MEDSEARCH_API_EMBEDDER_TOKEN; may be empty on loopback",
    )
    embedder_max_bytes: int = Field(64 * 2**20, ge=1, description="largest file that is embedded on request, in bytes")
    embedder_max_pixels: int = Field(
        50_000_000, ge=1, description="largest picture or frame that is embedded on request, in pixels"
    )
    embedder_seconds: int = Field(10, ge=1, description="seconds of a processor that decoding an uploaded file may take")
    embedder_memory_gib: float = Field(
        1.5, ge=0.5, description="memory that the process which decodes uploaded files may have, in GiB"
    )
    max_partitions_per_run: int = Field(256, ge=1, description="studies one run of a backfill works on")
    sensors: Literal["running", "stopped"] = Field(
        "running", description="whether sensors and schedules run from the first start on, or wait until someone starts them"
    )
    settle_seconds: int = Field(60, ge=0, description="how long a study must not have changed before it is ingested")
    max_wait_seconds: int = Field(900, ge=0, description="how long a study that goes on changing may wait, at most")
    dispatch_interval_seconds: int = Field(15, ge=1, description="how often ingest_sensor looks for studies that are due")
    scan_objects_per_tick: int = Field(
        20_000, ge=1, description="objects of the landing store landing_sensor looks at in a tick"
    )
    scan_interval_seconds: int = Field(30, ge=1, description="how often landing_sensor looks at the next part of the store")
    inventory_cron: str = Field("0 * * * *", description="when inventory_schedule looks at the whole store, in UTC")
    ledger_cron: str = Field("30 3 * * *", description="when ledger_schedule accounts for every object, in UTC")
    max_runs_in_flight: int = Field(8, ge=1, description="runs that each sensor has queued or started at once, at most")
    step_retries: int = Field(
        5, ge=0, description="tries after the first of a step whose store or index was busy or out of reach"
    )
    step_retry_seconds: float = Field(
        10, ge=0, description="seconds before the first of them, give or take half; twice as long before each further one"
    )
    index_releases_kept: int = Field(2, ge=1, description="published releases of the index kept, the current one among them")
    index_min_recall: float = Field(
        0.95, ge=0, le=1, description="least recall@10, against exact search, with which a release is published"
    )
    events_queue: str | None = Field(
        None, description="URL of the SQS queue that the landing bucket's events go to; empty means that none are consumed"
    )
    events_per_tick: int = Field(10_000, ge=1, le=100_000, description="most messages of that queue taken at once")
    sqs_endpoint: str | None = Field(None, description="address of an SQS-compatible service; empty means AWS")
    min_joined_reports: float = Field(
        0.95, ge=0, le=1, description="share of landed reports that find their study, below which a check warns"
    )
    min_reported_studies: float = Field(
        0.5, ge=0, le=1, description="share of studies with images that have a report, below which a check warns"
    )
    event_check_runs: int = Field(5, ge=1, description="newest ended runs whose events are searched for patient data")
    inventory_fresh_hours: float = Field(
        24, ge=0.05, description="hours since the last inventory after which Dagster shows it as not fresh; a warning at half"
    )
    ledger_fresh_hours: float = Field(
        24, ge=0.05, description="hours since the last ledger after which Dagster shows it as not fresh; a warning at half"
    )
    alert_webhook: SecretStr | None = Field(
        None, description="https address that alerts are posted to as JSON (Slack, Teams, Mattermost); empty means no alerts"
    )
    alert_timeout_seconds: float = Field(5, gt=0, le=15, description="how long the webhook may take to answer")
    dagster_url: str = Field("http://localhost:3000", description="where people reach Dagster's UI, for the links of alerts")
    webserver_hosts: str = Field(
        "",
        description="host names, separated by commas, that `medsearch webserver` answers to beside localhost and the host of "
        "MEDSEARCH_DAGSTER_URL",
    )
    api_url: str = Field(
        "http://localhost:8000",
        description="where browsers reach the service, for previews in Dagster's UI; of one site with it, as localhost is",
    )

    @field_validator("events_queue")
    @classmethod
    def _is_the_landing_buckets(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and not (value.startswith(("https://", "http://")) and urlsplit(value).path.strip("/")):
            raise ValueError("give the queue's URL, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, not its name or ARN")
        if value and not str(info.data.get("landing", "s3://")).startswith("s3://"):
            raise ValueError("events come from a bucket: set MEDSEARCH_LANDING to s3://bucket/prefix, or leave the queue away")
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
        """The names that Dagster's webserver is reached by, in lower case, beside those of this machine."""
        named = [urlsplit(self.dagster_url).hostname or "", *self.webserver_hosts.split(",")]
        return frozenset(name.strip().lower() for name in named) - {""}

    @property
    def engine_options(self) -> EngineOptions:
        """What is to run the model."""
        return EngineOptions(self.engine, self.device, self.precision, self.model_threads, Path(self.model_cache))
