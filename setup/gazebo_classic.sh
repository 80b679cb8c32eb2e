#!/bin/sh
# A Debian 11 with Gazebo 11 in a folder of its own, for `make test-gazebo`: newer Debians carry no Gazebo server.
# Made once, in about two minutes and 1 GB; where it cannot be made, the reason is left in its place.
set -eu
cache="${XDG_CACHE_HOME:-$HOME/.cache}/autoglm_embodied/gazebo-classic"
root="$cache/root"
[ -x "$root/usr/bin/gzserver" ] && exit 0
mkdir -p "$cache"

leave() {
    echo "$1" >"$cache/unavailable"
    echo "set-up: no Gazebo to test with: $1" >&2
    rm -rf --one-file-system "$root.new"
    exit 0
}

inside='
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    exec chroot "$0" env DEBIAN_FRONTEND=noninteractive sh -ec "
        apt-get update -q
        apt-get install -y -q --no-install-recommends gazebo gazebo-common gazebo-plugin-base \
            xvfb xauth libgl1-mesa-dri sdformat-sdf procps
        apt-get clean"'

rm -rf --one-file-system "$root.new"
[ "$(id -u)" = 0 ] || leave "only root can make and enter a Debian 11 of its own; run make test-gazebo as root"
command -v unshare >/dev/null || leave "unshare is missing; install util-linux"
if ! command -v debootstrap >/dev/null; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >"$cache/log" 2>&1 ||
        leave "debootstrap is missing and cannot be installed; see $cache/log"
fi
echo "set-up: Debian 11 with Gazebo 11 in $root ..." >&2
debootstrap --variant=minbase --include=ca-certificates bullseye "$root.new" >"$cache/log" 2>&1 ||
    leave "Debian 11 cannot be downloaded; see $cache/log"
cp /etc/resolv.conf "$root.new/etc/resolv.conf"
unshare -m -p -f --kill-child sh -ec "$inside" "$root.new" >>"$cache/log" 2>&1 ||
    leave "Gazebo 11 cannot be installed in the Debian 11; see $cache/log"
rm -f "$cache/unavailable"
mv "$root.new" "$root"
