#!/bin/sh
# Pin every package with its hashes again, keeping the versions that still fit. Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."
for lock in pypi distribution; do
    uv pip compile "requirements/$lock.in" --output-file "requirements/$lock.lock" --quiet --no-header --no-annotate \
        --universal --python-version 3.10.12 --generate-hashes
    # The CPU build of torch (cp311, x86-64) lies beside the index, where uv does not look.
    sed -i 's/^torch==2\.13\.0 .*/&\n    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b \\/' "requirements/$lock.lock"
done
