#!/bin/sh
# Creates .env next to compose.yaml from .env.example, with a random value for each empty secret marked with "random":
#
#   sh docker/environment.sh
#
# An existing file is kept: the volumes were created with its secrets.
set -eu
umask 077
cd "$(dirname "$0")"
[ ! -e .env ] || { echo "docker/.env already exists and is kept" >&2; exit 1; }
while IFS= read -r line; do
  case $line in
    *"= # random") printf '%s=%s\n' "${line%%=*}" "$(openssl rand -hex 24)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <.env.example >.env
echo "created docker/.env: name your issuer in it"
