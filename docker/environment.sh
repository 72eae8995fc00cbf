#!/bin/sh
# Makes .env beside compose.yaml from .env.example, with a random secret for each that it leaves empty and marks with "random":
#
#   sh docker/environment.sh
#
# A file that is there already is kept: its secrets are those of the volumes.
set -eu
umask 077
cd "$(dirname "$0")"
[ ! -e .env ] || { echo "docker/.env is there already, and is kept" >&2; exit 1; }
while IFS= read -r line; do
  case $line in
    *"= # random") printf '%s=%s\n' "${line%%=*}" "$(openssl rand -hex 24)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <.env.example >.env
echo "docker/.env is made: name your issuer in it"
