#!/bin/sh
# The README's two commands as a new user would type them, on a bare Debian of their own; prints times and sizes.
#   setup/try_bare.sh bookworm|trixie|forky [FOLDER]
# Root only. Takes the commit that is checked out, and this machine's name server, certificates and pip configuration.
# KEEP=1 leaves the folder, else it is removed; SKIP_TESTS=1 leaves `make test` out.
set -eu
suite=$1
repository=$(cd "$(dirname "$0")/.." && pwd)
folder=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/autoglm_embodied/bare-$suite}
root=$folder/root
home=$root/srv/autoglm_embodied

fail() {
    echo "try_bare: $1." >&2
    exit 2
}

# Whatever pip's configuration names on this machine's own disk must be there inside too.
share_pip_configuration() {
    python3 -m pip config list 2>/dev/null | sed -n "s/^global\.\([a-z-]*\)='\(.*\)'$/\1 = \2/p" |
        sed '1i [global]' >"$root/etc/pip.conf"
    for place in $(grep -o '/[^ ]*' "$root/etc/pip.conf" | sed 's|^/*|/|'); do
        place=${place%/simple} # an index's files lie beside it
        case $place in /etc/ssl/* | /etc/pip.conf) continue ;; esac
        [ -e "$place" ] || continue
        mkdir -p "$root$(dirname "$place")"
        echo "$place" >>"$folder/shared"
    done
}

# Inside, everything is gone when this ends: mounts and processes belong to it alone.
inside() {
    unshare -m -p -f --kill-child sh -ec '
        root=$0
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o size=64m tmpfs "$root/dev/shm" # that of another system is not read; a container has as much
        mount --rbind /sys "$root/sys"
        for place in $(cat "$1"); do
            if [ -d "$place" ]; then mkdir -p "$root$place"; else touch "$root$place"; fi
            mount --bind -o ro "$place" "$root$place"
        done
        exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
            ${https_proxy:+https_proxy=$https_proxy} ${http_proxy:+http_proxy=$http_proxy} \
            sh -ec "cd /srv/autoglm_embodied && $2"' "$root" "$folder/shared" "$1" >"$folder/$2.log" 2>&1
}

# `timed NAME COMMAND` leaves NAME_s
timed() {
    echo "try_bare: $suite: $2 ..." >&2
    begun=$(date +%s)
    inside "$2" "$1" || fail "$2 failed; see $folder/$1.log"
    eval "$1_s=$(($(date +%s) - begun))"
}

folder_mb() { if [ -d "$1" ]; then du -sk "$1" | cut -f 1 | { read -r kb && echo $((kb / 1000)); }; else echo 0; fi; }

[ "$(id -u)" = 0 ] || fail "only root can make and enter a Debian of its own"
command -v debootstrap >/dev/null || fail "debootstrap is missing; install it with: apt-get install debootstrap"
script=/usr/share/debootstrap/scripts/$suite
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
rm -rf --one-file-system "$folder"
mkdir -p "$folder"
echo "try_bare: $suite: a bare Debian in $root ..." >&2
debootstrap --variant=minbase --include=ca-certificates,git,make "$suite" "$root" "" "$script" >"$folder/debootstrap.log" 2>&1 ||
    fail "debootstrap failed; see $folder/debootstrap.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# A mirror's copy of testing is valid for a week, and may be older.
echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/mirror"
cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
: >"$folder/shared"
share_pip_configuration
git clone --quiet --no-local "$repository" "$home"
bare_mb=$(folder_mb "$root")

timed prepare "make prepare"
venv_mb=$(folder_mb "$home/.venv")
cache_mb=$(folder_mb "$root/root/.cache")
system_mb=$(($(folder_mb "$root") - bare_mb - venv_mb - cache_mb))
timed demo "make demo" # ends well only if the thing is held
timed again "make prepare"
test_s=0 tests="not run"
if [ -z "${SKIP_TESTS:-}" ]; then
    timed test "make test"
    tests=$(grep -aoE '[0-9]+ passed.*' "$folder/test.log" | tail -n 1 | sed 's/ in .*//')
fi
python=$(chroot "$root" /srv/autoglm_embodied/.venv/bin/python -c 'import platform; print(platform.python_version())')
torch=$(ls -d "$home"/.venv/lib/python3.*/site-packages/torch-*.dist-info | sed 's/.*torch-\(.*\)\.dist-info/\1/')

cat <<END
{"suite": "$suite", "date": "$(date +%F)", "commit": "$(git -C "$home" rev-parse --short HEAD)", "cores": $(nproc),
 "python": "$python", "torch": "$torch", "prepare_s": $prepare_s, "demo_s": $demo_s, "demo": "held",
 "prepare_again_s": $again_s, "test_s": $test_s, "tests": "$tests",
 "system_packages_mb": $system_mb, "venv_mb": $venv_mb, "pip_cache_mb": $cache_mb}
END
[ -n "${KEEP:-}" ] || rm -rf --one-file-system "$folder"
