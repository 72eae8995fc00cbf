"""Amazon Comprehend Medical as the reader of mentions: the calls, their limits, their faults and their cost.

Belongs here: everything that talks to the service. What its answers mean is told in `comprehend_results`. A report is
read whole or not at all: a piece that the service refuses refuses the report (a counted
rejection), a service that stays busy or away stops the run, and what
was read before is kept, so that the next run goes on. No report text is in any message.
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
"""Raised when the meaning of answers changes here; names of concepts come from the vocabulary, whose digest is added."""

LIMIT_BYTES = {"detect_entities_v2": 20_000, "infer_icd10_cm": 10_000}
"""Longest text of one request, in bytes of UTF-8 (the service's quotas)."""

UNIT_CHARACTERS = 100
"""The service bills by units of so many characters, at least one a request."""

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
    """The version stored with what the service's answers were made into; the service's own models go into the release."""
    return f"comprehend-{READER_VERSION}-{min_scores.entity:g}-{min_scores.trait:g}-{min_scores.code:g}-{ner_version()}"


def open_client(region: str | None) -> Any:
    """A client with the process's own AWS credentials; raises `ConfigurationError` where no region is known."""
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
            BadInput: `refused_by_reader`, for a text that the service will not read.
            Transient: where the service stays busy or away.
            ServiceUnavailable: where it forbids the call.
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
                    raise BadInput("refused_by_reader", f"Comprehend Medical answers {code}") from None
                if code not in BUSY:
                    raise ServiceUnavailable(
                        f"Comprehend Medical answers {code}: check the credentials and the region"
                    ) from None
            except BotoCoreError as error:
                code = type(error).__name__
            self.usage["comprehend_retries"] += 1
            if attempt < ATTEMPTS:
                self._wait(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        raise Transient(f"Comprehend Medical answers {code} after {ATTEMPTS} attempts: run again later")


@lru_cache(maxsize=4096)
def is_billable(code: str) -> bool | None:
    """Whether a code has none below it in the release of ICD-10-CM that is installed; None where that does not know it."""
    import simple_icd_10_cm as icd

    return bool(icd.is_leaf(code)) if icd.is_valid_item(code) else None
