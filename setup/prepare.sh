#!/bin/sh
# What every target of the Makefile runs first: refuse what cannot work, then make what is missing.
set -eu
cd "$(dirname "$0")/.."
. setup/machine.sh

ros=$(installed_ros)
check_architecture
missing=$(sh setup/system_packages.sh missing)
python=$(find_python)
check_python
[ -z "$missing" ] || check_root
case "$missing:$python" in ?*:/usr/bin/* | *:) ;; *) check_python_parts ;; esac # else the packages bring them

if [ -z "$python" ] || ! "$python" setup/prepare.py --ros "$ros" --is-fetched; then
    check_disk
    [ -z "$missing" ] || check_apt
    [ -z "$python" ] || ! "$python" -c 'import pip' 2>/dev/null || check_index "$python"
fi

[ -z "$missing" ] || sh setup/system_packages.sh install
missing=""
python=$(find_python)
check_python
check_python_parts
exec "$python" setup/prepare.py --ros "$ros"
