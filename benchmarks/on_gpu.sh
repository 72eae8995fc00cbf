#!/usr/bin/env bash
# Measures a machine with a GPU in at most eight minutes, and prints one Markdown table for docs/models.md.
#
#   benchmarks/on_gpu.sh            with .venv/bin/python, or the python in PATH
#   PYTHON=python3 benchmarks/on_gpu.sh
#
# Each part has a time limit and a process of its own, so that the failure of one never stops the others: its row says why.
# Without a GPU it measures what the CPU can do and says what is missing. nvImageCodec is used if it is installed; otherwise it
# is installed into a temporary folder, if the network allows that.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
python=${PYTHON:-python}
[ -z "${PYTHON:-}" ] && [ -x .venv/bin/python ] && python=.venv/bin/python
total=465 # seconds; the last part that must be killed may take some more
rows=$(mktemp -d)
trap 'rm -rf "$rows"' EXIT

# Adds the rows of a part: part NAME SECONDS COMMAND...
part() {
  local name=$1 limit=$2 left=$((total - SECONDS)) status reason
  shift 2
  if [ "$left" -lt "$limit" ]; then limit=$left; fi
  if [ "$limit" -le 0 ]; then
    echo "| $name | | | **not started**: the time of all parts is over |" >>"$rows/table"
    return
  fi
  echo "on_gpu: $name, at most $limit s" >&2
  timeout --kill-after=2 "$limit" "$@" >"$rows/out" 2>"$rows/err" </dev/null
  status=$?
  grep '^| ' "$rows/out" >>"$rows/table"
  if [ "$status" -ne 0 ]; then
    reason=$(grep -v '^[[:space:]]*$' "$rows/err" | tail -n 1 | tr '|' '/' | cut -c 1-300)
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then reason="stopped after $limit s"; fi
    echo "| $name | | | **incomplete**: ${reason:-status $status} |" >>"$rows/table"
  fi
}

measure() {
  part "$1" "$2" "$python" -W ignore -m benchmarks.on_gpu "$1"
}

# nvImageCodec for a version of CUDA.
install_codec() {
  local install=("$python" -m pip install --quiet)
  timeout 20 "$python" -c 'import nvidia.nvimgcodec' 2>/dev/null && return
  if ! "$python" -c 'import pip' 2>/dev/null && command -v uv >/dev/null; then
    install=(uv pip install --quiet --python "$python")
  fi
  part codec 45 "${install[@]}" --target "$rows/codec" "nvidia-nvimgcodec-cu$1[all]"
  export PYTHONPATH="$rows/codec${PYTHONPATH:+:$PYTHONPATH}"
}

cuda=$(timeout 30 "$python" -c 'import torch; print(torch.version.cuda.partition(".")[0] if torch.cuda.is_available() else "")')
measure machine 30
if [ -n "$cuda" ]; then
  measure engines 75
  measure batches 50
  measure end_to_end 75
  measure tests 80
  measure compiled 80
  install_codec "$cuda"
  measure decoding 45
else # the CPU gets the time of the parts that need a GPU; these say so at once
  measure engines 150
  measure end_to_end 150
  measure batches 20
  measure tests 20
  measure compiled 20
  measure decoding 45
fi

echo '| part | case | images/s | remark |'
echo '|---|---|---|---|'
cat "$rows/table"
echo
echo "In $SECONDS s."
