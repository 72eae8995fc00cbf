"""Amazon Comprehend Medical as the reader of mentions: the calls, their limits, their faults and their cost.

Belongs here: the requests to the service. `comprehend_results` interprets its responses. A report is read completely or not at
all: if the service refuses one chunk, the report is rejected. If the service stays busy or unreachable, the run stops; reports
read before are kept, so the next run resumes. No message contains report text.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from medsearch_core.errors import BadInput, ConfigurationError, ServiceUnavailable, Transient
from medsearch_core.records import EntityRecord
from medsearch_core.reports.data_files import ner_version
from medsearch_core.reports.gates.examination import Examination
from medsearch_core.reports.text.sections import Section
from medsearch_pipeline.report_readers.comprehend_results import DetectedEntity, Thresholds, entities_of, mentions_of
from medsearch_pipeline.report_readers.text_chunks import chunks

READER_VERSION = "1"
"""Increase it when the interpretation of responses changes. Concept names come from the vocabulary, whose digest is added."""

LIMIT_BYTES = {"detect_entities_v2": 20_000, "infer_icd10_cm": 10_000}
"""Maximum text of one request, in UTF-8 bytes (the service's quotas)."""

UNIT_CHARACTERS = 100
"""The service bills in units of this many characters, at least one per request."""

BUSY = frozenset(
    {
        "TooManyRequestsException",
        "ThrottlingException",
        "Throttling",
        "ServiceUnavailableException",
        "InternalServerException",
        "RequestTimeout",
    }
)
REFUSED = frozenset({"InvalidRequestException", "InvalidEncodingException", "TextSizeLimitExceededException"})
ATTEMPTS = 6
FIRST_WAIT_SECONDS = 0.5


def comprehend_version(min_scores: Thresholds) -> str:
    """The version stored with the service's results; the service's own model versions go into the release."""
    return f"comprehend-{READER_VERSION}-{min_scores.entity:g}-{min_scores.trait:g}-{min_scores.code:g}-{ner_version()}"


def open_client(region: str | None) -> Any:
    """A client with the process's own AWS credentials; raises `ConfigurationError` if no region is known."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    try:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
        return boto3.client("comprehendmedical", region_name=region, config=config)
    except NoRegionError as error:
        raise ConfigurationError("Comprehend Medical needs a region: set MEDSEARCH_COMPREHEND_REGION") from error


class ComprehendReader:
    """Finds mentions by `DetectEntitiesV2` and `InferICD10CM`."""

    def __init__(self, client: Any, min_scores: Thresholds, wait: Callable[[float], None] = time.sleep) -> None:
        self.version = comprehend_version(min_scores)
        self.usage: Counter[str] = Counter()
        self._client, self._least, self._wait = client, min_scores, wait

    def find(self, report_id: str, text: str, sections: list[Section], examination: Examination) -> list[EntityRecord]:
        """The mentions of a report; the service is not told what was examined.

        Raises:
            BadInput: `refused_by_reader`, for a text that the service refuses.
            Transient: the service stays busy or unreachable.
            ServiceUnavailable: the service denies access.
        """
        detected, _ = self._detect("detect_entities_v2", text)
        coded, release = self._detect("infer_icd10_cm", text)
        return mentions_of(report_id, text, sections, detected, coded, f"Comprehend Medical {release}", is_billable)

    def _detect(self, operation: str, text: str) -> tuple[list[DetectedEntity], str]:
        found: list[DetectedEntity] = []
        model = ""
        for begin, end in chunks(text, LIMIT_BYTES[operation]):
            piece = text[begin:end]
            if not any(map(str.isalnum, piece)):
                continue
            answer = self._call(operation, piece)
            self.usage[f"comprehend_{operation}_requests"] += 1
            self.usage[f"comprehend_{operation}_units"] += -(-len(piece) // UNIT_CHARACTERS)
            found += entities_of(answer, begin, self._least)
            model = answer.get("ModelVersion", model)
        return found, model

    def _call(self, operation: str, piece: str) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        for attempt in range(1, ATTEMPTS + 1):
            try:
                return dict(getattr(self._client, operation)(Text=piece))
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in REFUSED:
                    raise BadInput("refused_by_reader", f"Comprehend Medical returned {code}") from None
                if code not in BUSY:
                    raise ServiceUnavailable(
                        f"Comprehend Medical returned {code}: check the credentials and the region"
                    ) from None
            except BotoCoreError as error:
                code = type(error).__name__
            self.usage["comprehend_retries"] += 1
            if attempt < ATTEMPTS:
                self._wait(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        raise Transient(f"Comprehend Medical returned {code} after {ATTEMPTS} attempts: run again later")


@lru_cache(maxsize=4096)
def is_billable(code: str) -> bool | None:
    """Whether a code has no subcodes in the installed release of ICD-10-CM; None if it is unknown there."""
    import simple_icd_10_cm as icd

    return bool(icd.is_leaf(code)) if icd.is_valid_item(code) else None
