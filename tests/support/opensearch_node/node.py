"""A real OpenSearch node with k-NN for the integration tests, with or without users and TLS. See README.md beside this file.

    node = start(cache=Path.home() / ".cache" / "medsearch" / "opensearch", home=tmp_path / "node")
    ...  # talk to node.url
    node.stop()

By hand: ``python node.py CACHE HOME`` serves in the foreground until Ctrl-C.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
PLUGINS = (
    "org.opensearch.transport.Netty4Plugin",
    "org.opensearch.analysis.common.CommonAnalysisPlugin",
    "org.opensearch.painless.PainlessPlugin",
    "org.opensearch.index.mapper.MapperExtrasPlugin",
    "org.opensearch.index.reindex.ReindexPlugin",
    "org.opensearch.knn.plugin.KNNPlugin",
)
SECURITY_PLUGIN = "org.opensearch.security.OpenSearchSecurityPlugin"
ON_LOOPBACK = {
    "network.host": "127.0.0.1",
    "http.port": "0",
    "transport.port": "0",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
}
SETTINGS = {"cluster.name": "medsearch-test", "discovery.type": "single-node"} | ON_LOOPBACK
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
# The compiler that suits a node that lives for minutes: on two cores it starts in half the time.
# Pass java_options=() to measure search speed.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class NodeError(RuntimeError):
    """The node could not be fetched, built or started."""


@dataclass(frozen=True)
class Secured:
    """A node with the security plugin, configured by the files that docker/compose.yaml mounts.

    ``deployment`` is the folder of opensearch.yml and security/, ``certificates`` what certificates.sh made. The users'
    password is in ``environment``.
    """

    deployment: Path
    certificates: Path
    environment: Mapping[str, str] = field(repr=False)


@dataclass
class Node:
    """A running node. ``stop()`` ends it; so does the end of this process, however it comes."""

    url: str
    home: Path
    log: Path
    started_in: float
    _process: subprocess.Popen[bytes] = field(repr=False)
    _lock: IO[str] = field(repr=False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, timeout: float = 300.0) -> int:
        """Close the node and return its exit status (0: it closed cleanly). A second call changes nothing."""
        status = _end(self._process, timeout)
        self._lock.close()
        return status

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    cache: Path,
    home: Path,
    *,
    settings: Mapping[str, str] | None = None,
    secured: Secured | None = None,
    heap: str = "1g",
    java_options: Sequence[str] = QUICK_START,
    timeout: float = 600.0,
    until: int = subprocess.PIPE,
) -> Node:
    """Start a node whose data is in ``home`` (kept when it stops) and wait until its cluster is green or yellow.

    ``cache`` takes what is downloaded and compiled: keep it outside the repository. ``settings`` are added to
    opensearch.yml, or win over it where ``secured`` gives that file. ``timeout`` is for the start, not for the first download.
    ``until`` is a descriptor whose end is the node's; without it the node ends with this process.
    """
    java = _java("java")
    built = prepare(cache)
    home = home.resolve()
    config, logs, temporary = home / "config", home / "logs", home / "tmp"
    for folder in (config, logs, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    lock = (home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        lock.close()
        raise NodeError(f"a node already runs in {home}") from taken
    arguments = _configure(config, settings or {}, secured)
    (config / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
    address = home / "http.address"
    address.unlink(missing_ok=True)

    command = [
        java,
        f"-Xms{heap}",
        f"-Xmx{heap}",
        *java_options,
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        f"-XX:ErrorFile={logs}/hs_err_%p.log",
        f"-Djava.io.tmpdir={temporary}",
        f"-Djna.tmpdir={temporary}",
        "-Dlog4j2.disable.jmx=true",
        "-Dlog4j.shutdownHookEnabled=false",  # or the log ends before the node has closed
        "-Dboot.endWithStdin=true",
        "-cp",
        os.pathsep.join(map(str, [built, *_jars(built, secured is not None)])),
        "Boot",
        str(home),
        *arguments,
    ]
    environment = os.environ | dict(secured.environment) if secured else None
    log = logs / "node.log"
    began = time.monotonic()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdin=until,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = _wait(process, address, log, began + timeout, secured)
    except BaseException:
        _end(process, 10.0)
        lock.close()
        raise
    return Node(url, home, log, time.monotonic() - began, process, lock)


def _configure(config: Path, settings: Mapping[str, str], secured: Secured | None) -> list[str]:
    """Write the configuration folder and return what Boot is told: plugins, and settings that win over the file's."""
    if secured is None:
        lines = [f"{key}: {json.dumps(value)}" for key, value in (SETTINGS | dict(settings)).items()]
        (config / "opensearch.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return list(PLUGINS)
    shutil.copy(secured.deployment / "opensearch.yml", config / "opensearch.yml")
    shutil.copytree(secured.deployment / "security", config / "opensearch-security", dirs_exist_ok=True)
    (config / "certificates").mkdir(exist_ok=True)
    for name in ("ca.pem", "node.pem", "node-key.pem"):
        shutil.copy(secured.certificates / name, config / "certificates" / name)
    return [*PLUGINS, SECURITY_PLUGIN, *(f"-E{key}={value}" for key, value in (ON_LOOPBACK | dict(settings)).items())]


def _jars(built: Path, secured: bool) -> list[Path]:
    """The class path. The security plugin brings libraries that are there already: each is taken once, in its version."""
    jars = [*sorted(built.glob("lib/*.jar")), *sorted(built.glob("ext/opensearch-knn/*.jar"))]
    if not secured:
        return jars
    jars += sorted(built.glob("ext/opensearch-security/*.jar"))
    return list({re.split(r"-\d", jar.name)[0]: jar for jar in jars}.values())


def prepare(cache: Path) -> Path:
    """Download, check and compile once for each version of the files beside this one; return the folder of the result."""
    sources = [HERE / "pom.xml", HERE / "Boot.java", HERE / "files.sha256"]
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    cache = cache.expanduser().resolve()
    cache.mkdir(parents=True, exist_ok=True)
    built = cache / digest
    if built.is_dir():
        return built
    with _locked(cache / "lock"):
        if built.is_dir():
            return built
        partial = cache / f"{digest}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        maven = ["mvn", "-B", "-q", "-f", str(HERE / "pom.xml"), f"-Dout={partial}", "generate-resources"]
        _call(maven, "could not download OpenSearch")
        _check(partial)
        javac = [_java("javac"), "--release", "17", "-cp", f"{partial}/lib/*", "-d", str(partial)]
        _call([*javac, str(HERE / "Boot.java")], "could not compile Boot.java")
        partial.rename(built)
    return built


def _check(folder: Path) -> None:
    """Refuse anything but the very files that files.sha256 names."""
    known = (HERE / "files.sha256").read_text(encoding="utf-8").split("\n")
    files = sorted(path for top in ("lib", "ext") for path in (folder / top).rglob("*") if path.is_file())
    found = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in files]
    if different := sorted(set(found) ^ set(filter(None, known))):
        raise NodeError("downloaded files differ from files.sha256:\n" + "\n".join(different[:20]))


def _call(command: Sequence[str], failure: str) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    except FileNotFoundError as missing:
        raise NodeError(f"{failure}: {command[0]} is not installed") from missing
    if done.returncode:
        raise NodeError(f"{failure} (exit status {done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}")


def _java(tool: str) -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(tool, path=f"{home}/bin") if home else None
    found = found or shutil.which(tool)
    if not found:
        raise NodeError(f"{tool} is not installed: a JDK of version 17 or newer is needed")
    return found


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wait(process: subprocess.Popen[bytes], address: Path, log: Path, deadline: float, secured: Secured | None) -> str:
    ready: tuple[str, ...]
    scheme, question, ready = "http", "/_cluster/health?wait_for_status=yellow&timeout=5s", ("green", "yellow")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if secured:
        scheme, question, ready = "https", "/_plugins/_security/health?mode=strict", ("UP",)
        trusted = ssl.create_default_context(cafile=secured.certificates / "ca.pem")
        handlers.append(urllib.request.HTTPSHandler(context=trusted))
    opener = urllib.request.build_opener(*handlers)
    state = "it is not listening yet"
    while time.monotonic() < deadline:
        if (status := process.poll()) is not None:
            raise NodeError(f"the node ended with exit status {status}; {log} ends:\n{_tail(log)}")
        if address.exists():
            url = f"{scheme}://" + address.read_text(encoding="utf-8").strip()
            try:
                with opener.open(url + question, timeout=10) as answer:
                    state = f"its status is {json.load(answer)['status']}"
                if state.endswith(ready):
                    return url
            except (urllib.error.URLError, TimeoutError, ConnectionError) as failed:
                state = str(failed)
        time.sleep(0.1)
    raise NodeError(f"the node was not ready in time ({state}); {log} ends:\n{_tail(log)}")


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [line for line in lines if re.search(r"Exception|Error:|Caused by|\[ERROR", line)]
    return "\n".join([*telling[-10:], "...", *lines[-8:]])


def _end(process: subprocess.Popen[bytes], timeout: float) -> int:
    if process.stdin and not process.stdin.closed:
        process.stdin.close()
    for force in (None, signal.SIGTERM, signal.SIGKILL):
        if force is not None:
            process.send_signal(force)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout)
    raise NodeError(f"process {process.pid} could not be ended")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: python node.py CACHE HOME")
    with start(Path(sys.argv[1]), Path(sys.argv[2])) as node:
        print(f"{node.url}  (pid {node.pid}, ready in {node.started_in:.1f} s, log {node.log}); Ctrl-C ends it", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while node.running:
                time.sleep(0.5)
    print("stopped")


if __name__ == "__main__":
    main()
