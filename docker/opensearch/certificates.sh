#!/bin/sh
# Creates a CA, the node's certificate and an administrator's, for compose.yaml:
#
#   sh docker/opensearch/certificates.sh [FOLDER] [SUBJECT-ALTERNATIVE-NAME ...]
#
# FOLDER defaults to .medsearch/certificates. The node's names are localhost, 127.0.0.1 and opensearch, and any additional ones,
# such as DNS:search.example.org or IP:10.0.0.7. A second call keeps the CA, which clients still trust, and renews the rest.
# Keep ca-key.pem: only this script reads it.
set -eu

folder=${1:-.medsearch/certificates}
[ $# -eq 0 ] || shift
names=DNS:localhost,IP:127.0.0.1,DNS:opensearch
for name in "$@"; do
  names=$names,$name
done

mkdir -p "$folder"
cd "$folder"
umask 077
work=$(mktemp -d ./new.XXXXXX)
trap 'rm -rf "$work"' EXIT

make_key() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
}

# make_certificate NAME DAYS EXTENSION...: for $work/NAME-key.pem, common name medsearch-NAME; signed by the CA or itself.
make_certificate() {
  name=$1 days=$2
  shift 2
  {
    printf '[req]\nprompt = no\ndistinguished_name = subject\n[subject]\nCN = medsearch-%s\n[extensions]\n' "$name"
    printf '%s\n' "$@"
  } >"$work/openssl.cnf"
  set -- -config "$work/openssl.cnf" -new -sha256 -key "$work/$name-key.pem"
  if [ "$name" = ca ]; then
    openssl req "$@" -x509 -days "$days" -extensions extensions -out "$work/ca.pem"
    return
  fi
  openssl req "$@" -out "$work/request.pem"
  openssl x509 -req -sha256 -in "$work/request.pem" -days "$days" -CA ca.pem -CAkey ca-key.pem \
    -set_serial "0x$(openssl rand -hex 16 | sed 's/^./1/')" -extfile "$work/openssl.cnf" -extensions extensions \
    -out "$work/$name.pem" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
}

if [ ! -f ca.pem ] || [ ! -f ca-key.pem ]; then
  [ ! -e ca.pem ] || { echo "ca.pem exists without ca-key.pem: give another folder" >&2; exit 1; }
  make_key "$work/ca-key.pem"
  make_certificate ca 3650 'basicConstraints = critical, CA:TRUE, pathlen:0' 'keyUsage = critical, keyCertSign, cRLSign' \
    'subjectKeyIdentifier = hash'
  mv "$work/ca-key.pem" "$work/ca.pem" .
  chmod 644 ca.pem
fi
leaf='basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid'
make_key "$work/node-key.pem"
make_certificate node 825 "$leaf" 'extendedKeyUsage = serverAuth, clientAuth' "subjectAltName = $names"
make_key "$work/admin-key.pem"
make_certificate admin 825 "$leaf" 'extendedKeyUsage = clientAuth'
mv "$work/node-key.pem" "$work/node.pem" "$work/admin-key.pem" "$work/admin.pem" .
echo "certificates are in $(pwd); the node's are valid for 825 days"
