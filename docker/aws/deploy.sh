#!/bin/sh
# Creates or updates the stacks of this folder, each after those it needs:
#
#   sh docker/aws/deploy.sh PARAMETERS [STACK ...]
#
# PARAMETERS is a file like parameters.example. Without a STACK all are deployed, in order. Credentials are the AWS CLI's own.
set -eu
given=${1:?name a file of parameters, made of docker/aws/parameters.example}
shift
[ $# -gt 0 ] || set -- network storage data identity cluster roles tasks services
overrides=$(grep -E '^[A-Za-z]+=.' "$given")
prefix=$(printf '%s\n' "$overrides" | sed -n 's/^Prefix=//p')
folder=$(dirname "$0")
for stack in "$@"; do
  echo "== ${prefix:=medsearch}-$stack"
  # One word per parameter; those that a template does not have are ignored.
  # shellcheck disable=SC2086
  aws cloudformation deploy --stack-name "$prefix-$stack" --template-file "$folder/$stack.yaml" \
    --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset --tags "project=$prefix" --parameter-overrides $overrides
done
