#!/bin/sh
# Pin every package with its hashes again, keeping the versions that still fit. Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."
for lock in pypi distribution; do
    uv pip compile "requirements/$lock.in" --output-file "requirements/$lock.lock" --quiet --no-header --no-annotate \
        --universal --python-version 3.10.12 --generate-hashes
done
