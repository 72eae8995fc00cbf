#!/bin/sh
# Builds and tests each image: its content, whether it runs without root on a read-only root file system, whether it ingests,
# whether its health check succeeds, and whether SIGTERM ends it.
#
#   sh docker/smoke.sh [api] [pipeline] [gpu]
#
# ENGINE is docker (default) or buildah; the latter needs root, but no daemon. BASE names another base image, such as one from
# debootstrap with python3 and python3-venv. PIP_CONF names a pip.conf used only during the build; CERTIFICATES a folder of
# CAs that replaces /etc/ssl/certs during the build (buildah). GLOBAL contains buildah's own options. BUILT=1 tests existing images.
set -eu
cd "$(dirname "$0")/.."
engine=${ENGINE:-docker}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
seconds=${SECONDS_TO_START:-180}

build() {
  set -- "$@" --build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)"
  [ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE"
  [ -z "${PIP_CONF:-}" ] || set -- "$@" --secret "id=pip,src=$PIP_CONF"
  case $engine in
    docker) docker build -q "$@" . ;;
    # Docker's format keeps HEALTHCHECK, OCI's has none.
    buildah)
      [ -z "${CERTIFICATES:-}" ] || set -- "$@" --volume "$CERTIFICATES:/etc/ssl/certs:ro"
      buildah ${GLOBAL:-} bud -q --format docker --isolation chroot "$@" . ;;
  esac
}

configured() { # IMAGE FIELD: words of the image's configuration
  case $engine in
    docker) docker inspect --format "{{range .Config.$2}}{{.}} {{end}}" "$1" ;;
    buildah) buildah ${GLOBAL:-} inspect --type image --format "{{range .Docker.Config.$2}}{{.}} {{end}}" "$1" ;;
  esac
}

# inside IMAGE SCRIPT: runs the script in the image as its user, with only /tmp writable.
inside() {
  case $engine in
    docker)
      docker run --rm -i --init --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --network none \
        "$1" sh -euc "$2" ;;
    buildah)
      container=$(buildah ${GLOBAL:-} from --pull-never "$1")
      root=$(buildah ${GLOBAL:-} mount "$container")
      status=0
      unshare --mount --pid --net --fork sh -euc '
        mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"
        mount -t proc proc "$1/proc" && mount -t tmpfs tmp "$1/tmp" && mount --rbind /dev "$1/dev"
        ip link set lo up
        exec chroot --userspec=10001:10001 --groups=10001 "$1" /usr/bin/env -i $3 setpriv --no-new-privs sh -euc "$2"
        ' _ "$root" "cd /opt/medsearch; $2" "$(configured "$1" Env)" || status=$?
      buildah ${GLOBAL:-} rm "$container" >/dev/null
      return $status ;;
  esac
}

# Read by every script below. started COMMAND... waits until $health succeeds; ended says whether SIGTERM ended it.
prelude='
started() { # a shell has what it starts with & ignore SIGINT, and Dagster handles SIGTERM as that
  env --default-signal "$@" >/tmp/said 2>&1 & server=$!
  left='$seconds'
  until $health >/dev/null 2>&1; do
    kill -0 $server 2>/dev/null || { cat /tmp/said; echo "it ended: $*"; exit 1; }
    left=$((left - 1)); [ $left -gt 0 ] || { cat /tmp/said; echo "never healthy: $health"; exit 1; }
    sleep 1
  done
  echo "healthy: $health"
}
ended() { kill -TERM $server; status=0; wait $server || status=$?; echo "after SIGTERM: $status"; [ $status -eq 0 ] || [ $status -eq 143 ]; }
lacks() { for module in "$@"; do ! python -c "import $module" 2>/dev/null || { echo "it contains $module"; exit 1; }; done; }
[ "$(id -u):$(id -g)" = 10001:10001 ]
! command -v gcc cc make >/dev/null
for place in /opt /opt/code /opt/medsearch /usr /etc; do ! touch $place/x 2>/dev/null || { echo "$place is writable"; exit 1; }; done
'

# ingested [ASSET]...: runs all assets, or these, over every study of a landing folder like the demo's, with bad files, in one run.
ingestion='
ingested() {
  cat >/tmp/ingest.py <<END
import sys
from pathlib import Path
import dagster as dg
from medsearch_pipeline.definitions import defs
from medsearch_pipeline.demo.landing import write_landing

def run(job, studies=(), assets=None):
    span = {f"dagster/asset_partition_range_{end}": studies[at] for end, at in (("start", 0), ("end", -1)) if studies}
    defs.resolve_job_def(job).execute_in_process(instance=instance, tags=span, asset_selection=assets)

if __name__ == "__main__":
    write_landing(Path("/tmp/landing"), patients=4)
    instance = dg.DagsterInstance.get()
    run("inventory_job")
    run("ingest_job", instance.get_dynamic_partitions("patient_study"), [dg.AssetKey(name) for name in sys.argv[1:]] or None)
    run("ledger_job")
END
  python /tmp/ingest.py "$@" >/tmp/said 2>&1 || { cat /tmp/said; echo "it does not ingest"; exit 1; }
  account=$(medsearch ledger | tail -n 1)
  echo "$account"
}
'

api='
lacks torch dagster medsearch_pipeline
export MEDSEARCH_LANDING=/tmp/landing MEDSEARCH_WAREHOUSE=/tmp/warehouse MEDSEARCH_INDEX=/tmp/index
mkdir /tmp/landing /tmp/warehouse
export MEDSEARCH_API_SIGN_IN=oidc MEDSEARCH_API_PUBLIC_URL=http://localhost:8000
export MEDSEARCH_API_OIDC_ISSUER=https://issuer.example MEDSEARCH_API_OIDC_CLIENT_ID=smoke MEDSEARCH_API_OIDC_ROLES_CLAIM=roles
started $command
ended
'

pipeline='
lacks torch torchvision medsearch_api
export HOME=/tmp MEDSEARCH_LANDING=/tmp/landing MEDSEARCH_WAREHOUSE=/tmp/warehouse MEDSEARCH_INDEX=/tmp/index
mkdir /tmp/landing /tmp/warehouse /tmp/dagster
export DAGSTER_HOME=/tmp/dagster MEDSEARCH_CODE_HOST=127.0.0.1
'"$ingestion"'
ingested dicom_metadata thumbnails report_entities
[ "$(find /tmp/warehouse/thumbnails -name "*.png" | wc -l)" -gt 0 ] || { echo "no thumbnails"; exit 1; }
dagster definitions validate --module-name medsearch_pipeline.definitions 2>&1 | tail -n 1
webserver=$health
health="dagster api grpc-health-check --port 4000"
started dagster api grpc --host 127.0.0.1 --port 4000 --module-name medsearch_pipeline.definitions
code=$server
health=$webserver
started $command
ended
server=$code
ended
'

gpu='
export HOME=/tmp MEDSEARCH_LANDING=/tmp/landing MEDSEARCH_WAREHOUSE=/tmp/warehouse MEDSEARCH_INDEX=/tmp/index
mkdir /tmp/landing /tmp/warehouse
export DAGSTER_HOME=/tmp/dagster MEDSEARCH_MODEL=efficientnet_lite0
mkdir /tmp/dagster
lacks openvino_telemetry
python -c "import torch; print(\"torch\", torch.__version__, \"of CUDA\", torch.version.cuda, \"finds a GPU:\", torch.cuda.is_available())"
'"$ingestion"'
ingested
case $account in
  *"= 0 DICOM"* | *" 0 reports indexed "*) echo "nothing is indexed"; exit 1 ;;
  *" + 0 pending + "*" + 0 unaccounted for") ;;
  *) echo "not all is accounted for"; exit 1 ;;
esac
[ ! -e /tmp/intel ] || { echo "OpenVINO sends telemetry"; exit 1; }
started $command
ended
health="python healthy.py 8001 /healthz"
started medsearch embedder
ended
'

for image in ${*:-api pipeline gpu}; do
  case $image in api) script=$api ;; pipeline) script=$pipeline ;; gpu) script=$gpu ;; *) echo "no such image: $image" >&2; exit 2 ;; esac
  name=medsearch-$image:$version
  echo "== $name"
  [ -n "${BUILT:-}" ] || build --file "docker/$image.Dockerfile" --tag "$name"
  [ "$(configured "$name" Cmd)" ] || { echo "it has no command"; exit 1; }
  health=$(configured "$name" Healthcheck.Test)
  inside "$name" "health='${health#CMD }'; command='$(configured "$name" Cmd)'; $prelude $script"
done
echo "all is well"
