"""The node of docker/compose.yaml, its own files on the real server: who may ask it, by what way, and for what."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import shutil
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from opensearchpy import AuthenticationException, AuthorizationException, OpenSearch, SSLError
from opensearchpy.helpers import bulk

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.model import Model
from medsearch_core.search.opensearch.client import open_client
from medsearch_core.search.opensearch.index import open_opensearch
from medsearch_core.search.opensearch.options import Access, IndexLayout
from tests.support.opensearch_node import node
from tests.support.paths import PROJECT_ROOT

DEPLOYMENT = PROJECT_ROOT / "docker" / "opensearch"
CACHE = Path.home() / ".cache" / "medsearch" / "opensearch"
USER = "medsearch"
PASSWORD = secrets.token_urlsafe(16) + "$1\\\"'{}: #é€"
"""New for each run, with characters that YAML, JSON, shells and regular expressions treat in their own ways."""

MAPPING = {
    "settings": {"index": {"knn": True, "knn.derived_source.enabled": True, "number_of_replicas": 0}},
    "mappings": {
        "properties": {
            "text": {"type": "text"},
            "vector": {
                "type": "knn_vector",
                "dimension": 8,
                "method": {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"},
            },
        }
    },
}


def certificates(folder: Path, *names: str) -> Path:
    """What a user's call of the script leaves in the folder."""
    subprocess.run(["sh", str(DEPLOYMENT / "certificates.sh"), str(folder), *names], check=True, capture_output=True)
    return folder


def study(name: str, vector: list[float]) -> StudyDocuments:
    """A study of one image and one report."""
    names: dict[str, Any] = {"patient": "p1", "study": name, "report_id": name, "source_key": f"p1/{name}", "sha256": "0" * 64}
    image = ImageDocument(**names, image_id=f"{name}.1", model_id="tiny", model_version="1", vector=vector)
    report = ReportDocument(**names, findings="effusion", text="FINDINGS: effusion", ner_version="1")
    return StudyDocuments(study=StudyKey("p1", name), images=[image], reports=[report], inputs="a")


def secured(folder: Path, password: str = PASSWORD) -> node.Secured:
    return node.Secured(DEPLOYMENT, folder, {"MEDSEARCH_INDEX_PASSWORD": password})


def asked(server: node.Node, ca: Path, password: str = PASSWORD, user: str | None = USER) -> OpenSearch:
    """The product's own client."""
    return open_client(Access(url=server.url, user=user, password=password, ca=str(ca / "ca.pem"), timeout_seconds=300))


def as_administrator(server: node.Node, folder: Path, path: str, method: str = "GET") -> Any:
    """The answer to who shows admin.pem, which is no user and has no password."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "admin.pem", folder / "admin-key.pem")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(urllib.request.Request(server.url + path, method=method), timeout=300) as answer:  # noqa: S310
        return json.load(answer)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates(tmp_path_factory.mktemp("certificates") / "made" / "here")


@pytest.fixture(scope="module")
def server(trusted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[node.Node]:
    home = tmp_path_factory.mktemp("secured") / "node"
    with node.start(CACHE, home, secured=secured(trusted), heap="512m") as running:
        yield running


def test_the_script_keeps_its_authority_and_its_keys_are_their_owners_alone(tmp_path: Path) -> None:
    folder = certificates(tmp_path / "made")
    files = {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}
    private = dict.fromkeys(("admin-key.pem", "admin.pem", "ca-key.pem", "node-key.pem", "node.pem"), "0o600")
    assert files == private | {"ca.pem": "0o644"}
    authority, certificate = (folder / "ca.pem").read_bytes(), (folder / "node.pem").read_bytes()
    certificates(folder, "DNS:search.example.org", "IP:10.0.0.7")
    assert (folder / "ca.pem").read_bytes() == authority
    assert (folder / "node.pem").read_bytes() != certificate
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", str(folder / "ca.pem")]
    for name, purpose in (("search.example.org", "sslserver"), ("localhost", "sslserver"), ("opensearch", "sslclient")):
        checked = [*verify, "-purpose", purpose, "-verify_hostname", name, str(folder / "node.pem")]
        subprocess.run(checked, check=True, capture_output=True)
    (folder / "ca-key.pem").unlink()
    again = subprocess.run(["sh", str(DEPLOYMENT / "certificates.sh"), str(folder)], capture_output=True, text=True)
    assert again.returncode == 1
    assert "ca-key.pem" in again.stderr


def test_plain_http_gets_no_answer(server: node.Node) -> None:
    plain = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=300)
    plain.request("GET", "/")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        plain.getresponse()


@pytest.mark.parametrize(
    ("user", "password"),
    [(None, ""), (USER, ""), (USER, PASSWORD + "x"), (USER, "${envbc.MEDSEARCH_INDEX_PASSWORD}"), ("admin", "admin")],
    ids=["nobody", "no password", "wrong", "the text of the file", "the demo's"],
)
def test_whoever_is_not_the_user_is_refused(server: node.Node, trusted: Path, user: str | None, password: str) -> None:
    with pytest.raises(AuthenticationException) as refused:
        asked(server, trusted, password, user).info()
    assert refused.value.status_code == 401


def test_the_client_refuses_a_cluster_of_an_authority_it_does_not_know(server: node.Node, tmp_path: Path) -> None:
    with pytest.raises(SSLError):
        asked(server, certificates(tmp_path / "other")).info()


def test_nodes_talk_by_tls_and_show_certificates_to_each_other(server: node.Node, trusted: Path) -> None:
    nodes = asked(server, trusted).nodes.info(metric="transport")["nodes"]
    ((host, _, port),) = [entry["transport"]["publish_address"].rpartition(":") for entry in nodes.values()]
    context = ssl.create_default_context(cafile=trusted / "ca.pem")

    def answers(seconds: float) -> bool:
        """Whether the node keeps the connection, so that waiting for it to say something runs out of time."""
        with socket.create_connection((host, int(port)), 300) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
            tls.settimeout(seconds)
            try:
                return bool(tls.recv(1))
            except TimeoutError:
                return True

    with pytest.raises((ssl.SSLError, ConnectionError)):
        answers(300)
    context.load_cert_chain(trusted / "node.pem", trusted / "node-key.pem")
    assert answers(1)


def test_the_user_makes_its_own_indexes_and_searches_them(server: node.Node, trusted: Path) -> None:
    client = asked(server, trusted)
    assert client.info()["version"]["number"] == "2.19.1"
    assert client.cluster.health()["status"] == "green"
    client.indices.create(index="medsearch-vectors-1", body=MAPPING)
    vectors = np.random.default_rng(5).normal(size=(50, 8))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    documents = [{"_id": str(n), "text": f"image {n}", "vector": v.tolist()} for n, v in enumerate(vectors)]
    assert bulk(client, documents, index="medsearch-vectors-1", refresh=True) == (50, [])
    actions = [{"add": {"index": "medsearch-vectors-1", "alias": "medsearch-vectors"}}]
    client.indices.update_aliases(body={"actions": actions})
    knn = {"knn": {"vector": {"vector": vectors[7].tolist(), "k": 5}}}
    found = client.search(index="medsearch-vectors", body={"size": 5, "query": knn})["hits"]["hits"]
    assert [hit["_id"] for hit in found] == [str(n) for n in np.argsort(-(unit @ unit[7]))[:5]]
    assert client.get(index="medsearch-vectors-1", id="3")["_source"]["vector"] == pytest.approx(vectors[3].tolist())
    client.delete_by_query(index="medsearch-vectors", body={"query": {"match": {"text": "42"}}}, refresh=True)
    assert client.count(index="medsearch-vectors")["count"] == 49
    warmed = client.transport.perform_request("GET", "/_plugins/_knn/warmup/medsearch-vectors-1")
    assert warmed["_shards"]["failed"] == 0
    client.indices.delete(index="medsearch-vectors-1")


def test_the_users_rights_are_enough_for_all_that_the_product_does(server: node.Node, trusted: Path) -> None:
    access = Access(url=server.url, user=USER, password=PASSWORD, ca=str(trusted / "ca.pem"))
    index = open_opensearch(access, IndexLayout(replicas=0), "medsearch")
    first, second = study("s1", [1.0, 0.0]), study("s2", [0.6, 0.8])
    assert index.health().images == 0
    assert index.upsert([first, second]) == 2
    before = index.releases()[0].name
    release = index.begin(Model("tiny", "1", 2))
    index.release(release).upsert([first, second])
    index.finish(release)
    index.publish(release)
    index.discard(before)
    index.compact()
    assert [hit.document.image_id for hit in index.similar([0.0, 1.0], 2)] == ["s2.1", "s1.1"]
    assert index.text("effusion").total == 2
    assert [found.count for found in index.facets("ner_version")] == [2]
    assert set(index.studies()) == {first.study, second.study}
    assert [list(vector or ()) for vector in index.vectors(["s1.1"])] == [[1.0, 0.0]]
    index.delete([first.study, second.study])
    assert index.health().images == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/other", {}),
        ("PUT", "/other/_doc/1", {"a": 1}),
        ("DELETE", "/.opendistro_security", None),
        ("GET", "/.opendistro_security/_search", None),
        ("PUT", "/_cluster/settings", {"transient": {"action.destructive_requires_name": False}}),
        ("PUT", "/_snapshot/copies", {"type": "fs", "settings": {"location": "/copies"}}),
        ("GET", "/_plugins/_security/api/internalusers", None),
        ("PUT", "/_plugins/_security/api/account", {"current_password": PASSWORD, "password": "another-Pass.word-1"}),
    ],
)
def test_the_user_may_do_nothing_else(server: node.Node, trusted: Path, method: str, path: str, body: Any) -> None:
    with pytest.raises(AuthorizationException) as refused:
        asked(server, trusted).transport.perform_request(method, path, body=body)
    assert refused.value.status_code == 403


def test_the_password_is_in_no_file_and_the_server_keeps_no_more_than_its_name(server: node.Node, trusted: Path) -> None:
    asked(server, trusted).info()
    with pytest.raises(AuthenticationException):
        asked(server, trusted, user="stranger").info()
    told = [PASSWORD.encode(), PASSWORD[:20].encode(), base64.b64encode(f"{USER}:{PASSWORD}".encode())[:24]]
    searched = [path for path in server.home.rglob("*") if path.is_file()]
    assert any(path.name == "node.log" for path in searched)
    for path in searched:
        content = path.read_bytes()
        assert not any(text in content for text in told), path
    stored = as_administrator(server, trusted, "/.opendistro_security/_doc/internalusers")["_source"]["internalusers"]
    assert json.loads(base64.b64decode(stored))["medsearch"]["hash"] == "${envbc.MEDSEARCH_INDEX_PASSWORD}"
    users = as_administrator(server, trusted, "/_plugins/_security/api/internalusers")
    assert set(users) == {USER}


def test_restarts_keep_the_data_and_take_the_environments_password_and_when_told_changed_roles(
    server: node.Node, trusted: Path, tmp_path: Path
) -> None:
    """The last of this module: it stops the module's node."""
    document = {"index": "medsearch-kept", "id": "1", "body": {"text": "kept"}, "params": {"refresh": "true"}}
    asked(server, trusted).index(**document)
    assert server.stop() == 0
    changed = "the next one"
    with node.start(CACHE, server.home, secured=secured(trusted, changed), heap="512m") as again:
        assert asked(again, trusted, changed).count(index="medsearch-kept")["count"] == 1
        with pytest.raises(AuthenticationException):
            asked(again, trusted).info()
        # As docs/opensearch.md says: the server's copy of users and roles goes, and the next start reads the files.
        assert as_administrator(again, trusted, "/.opendistro_security", "DELETE") == {"acknowledged": True}
        assert again.stop() == 0
    deployment = tmp_path / "changed"
    shutil.copytree(DEPLOYMENT, deployment)
    roles = deployment / "security" / "roles.yml"
    roles.write_text(roles.read_text(encoding="utf-8").replace('"medsearch-*"', '"medsearch-*", "chest-*"'), encoding="utf-8")
    widened = replace(secured(trusted), deployment=deployment)
    with node.start(CACHE, server.home, secured=widened, heap="512m") as last:
        client = asked(last, trusted)
        assert client.count(index="medsearch-kept")["count"] == 1
        client.indices.create(index="chest-images")
