#!/bin/sh
# Pin every package with its hashes again, keeping the versions that still fit; with `check`, only ask the index whether
# each lock is what its .in file asks for, whether its hashes are the index's, and whether every Python that it is for
# can have all of it. Installs nothing but uv, into .venv/uv.
set -eu
cd "$(dirname "$0")/.."
pythons="3.10.12 3.11 3.12 3.13 3.14"
distribution_pythons="3.10.12 3.12"          # Humble and Iron; Jazzy and Kilted
platform=x86_64-manylinux_2_31               # the oldest glibc to run on is that of Debian 11
sources="--no-binary empy --no-binary pyaudio" # all others come as wheels
python=.venv/bin/python
uv=.venv/uv/bin/uv
scratch=.venv/lock
mkdir -p $scratch
[ -x $uv ] || $python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target .venv/uv -r requirements/uv.lock
index=${PIP_INDEX_URL:-$($python -m pip config get global.index-url 2>/dev/null || true)} # uv does not read it itself
[ -z "$index" ] || export UV_DEFAULT_INDEX="$index"

fail() {
    echo "$1" >&2
    exit 1
}

# `compile NAME OUTPUT OPTIONS` pins requirements/NAME.in
compile() {
    case $1 in
    data) set -- "$@" --no-deps --python-version 3.11 ;;
    jazzy) # beside the packages of pypi.lock, but for those of ROS
        pins requirements/pypi.lock | grep -v '^ros-' >$scratch/shared
        set -- "$@" --universal --python-version 3.10.12 --constraint $scratch/shared
        ;;
    *) set -- "$@" --universal --python-version 3.10.12 ;;
    esac
    input=requirements/$1.in output=$2
    shift 2
    $uv pip compile "$input" --output-file "$output" --quiet --no-header --no-annotate --generate-hashes "$@"
}

hashes() { grep -o 'sha256:[0-9a-f]*' "$1" | sort -u; }
pins() { grep -v -e '--hash' "$1" | sed 's/ \\$//'; }

check() {
    lock=requirements/$1.lock
    pins "$lock" >$scratch/pins
    rm -f $scratch/fresh.lock
    compile "$1" $scratch/fresh.lock --constraint $scratch/pins
    pins $scratch/fresh.lock | cmp -s - $scratch/pins || fail "$lock is not what its .in file asks for; run: make lock"
    hashes $scratch/fresh.lock >$scratch/known
    foreign=$(hashes "$lock" | comm -23 - $scratch/known)
    [ -z "$foreign" ] || fail "$lock has hashes that the index does not know: $foreign"
    shift
    for version; do
        $uv pip install --dry-run --quiet --no-deps --require-hashes --only-binary :all: $sources --python-version "$version" \
            --python-platform $platform --target $scratch/nowhere -r "$lock" || fail "Python $version cannot have $lock"
    done
    echo "$lock: current, its hashes the index's, to be had on Python $*"
}

if [ "${1:-}" = check ]; then
    check pypi $pythons
    check jazzy $pythons
    check distribution $distribution_pythons
    check data 3.11
    check uv $pythons
else
    for name in pypi jazzy distribution data uv; do compile $name requirements/$name.lock; done
fi
