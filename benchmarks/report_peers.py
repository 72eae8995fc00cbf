"""Other readers of reports, for `reports.py`, which runs this with the Python they are installed in.

medspaCy 1.3.1 (ConText over PyRuSH's sentences) and negspacy 1.0.4 (NegEx over spaCy's sentencizer), both over blank English:
models are no packages. Each is given the phrases to find and decides what is said of them. Their spaCy needs NumPy 1, so they
have an environment of their own: `python -m venv FOLDER && FOLDER/bin/pip install medspacy==1.3.1 negspacy==1.0.4`.

Standard input is JSON, `{"texts": {name: text}, "phrases": [...]}`. Standard output is JSON, peer → version, processor time and
report → mentions, each a phrase with what is said of it. A peer that is not installed is left out. Nothing of medsearch is
imported.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

WARM_UP = 20
STATES = ("negated", "uncertain", "historical", "hypothetical", "family")

Mentions = Iterator[tuple[str, str]]


def medspacy_reader(phrases: list[str]) -> Callable[[str], Mentions]:
    """ConText as it is shipped."""
    os.environ.setdefault("LOGURU_LEVEL", "ERROR")  # PyRuSH logs every sentence
    import spacy
    from medspacy.target_matcher import TargetRule

    nlp = spacy.blank("en")
    nlp.add_pipe("medspacy_pyrush")
    nlp.add_pipe("medspacy_target_matcher").add([TargetRule(phrase, "FINDING") for phrase in phrases])
    nlp.add_pipe("medspacy_context")

    def read(text: str) -> Mentions:
        for mention in nlp(text).ents:
            states = (state for state in STATES if getattr(mention._, f"is_{state}"))
            yield mention.text, next(states, "present")

    return read


def negspacy_reader(phrases: list[str]) -> Callable[[str], Mentions]:
    """NegEx as it is shipped."""
    import negspacy.negation  # noqa: F401 - registers the pipe
    import spacy

    nlp: Any = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "FINDING", "pattern": phrase} for phrase in phrases])
    nlp.add_pipe("negex")

    def read(text: str) -> Mentions:
        for mention in nlp(text).ents:
            yield mention.text, "negated" if mention._.negex else "present"

    return read


PEERS = {"medspacy": medspacy_reader, "negspacy": negspacy_reader}
"""Package → its reader of phrases."""


def main() -> None:
    """Reads every text with every peer."""
    given = json.load(sys.stdin)
    texts = list(given["texts"].items())
    found = {}
    for package, reader in PEERS.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            continue
        read = reader(given["phrases"])
        for _, text in texts[:WARM_UP]:
            list(read(text))
        started = time.process_time()
        mentions = {name: list(read(text)) for name, text in texts}
        found[package] = {"version": installed, "seconds": time.process_time() - started, "mentions": mentions}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
