#!/bin/sh
# Those packages of requirements/debian.txt that are missing: `missing` names them, `install` installs them.
set -eu
list=$(grep -v '^#' "$(dirname "$0")/../requirements/debian.txt" | tr '\n' ' ')
[ "${SYSTEM_PACKAGES:-install}" = skip ] && exit 0

refuse() {
    echo "set-up: $1; install with your package manager: $2; then run make again with SYSTEM_PACKAGES=skip." >&2
    exit 2
}

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || refuse "this is neither Debian nor Ubuntu" "$(echo "$list" | tr -d '~')"
missing() {
    for entry in $list; do
        package=${entry#\~}
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed && continue
        # A package marked ~ is left out where the distribution does not have it.
        [ "$entry" = "$package" ] || apt-cache show "$package" >/dev/null 2>&1 || continue
        printf ' %s' "$package"
    done
}

# How far apt is, of the lines that it writes for programs: dlstatus:1:20.0:text, pmstatus:package:40.0:text.
show_progress() {
    shown=""
    while IFS=: read -r kind _ percent _; do
        case "$kind" in
        dlstatus) now="fetched $((${percent%%.*} / 25 * 25)) %" ;;
        pmstatus) now="installed $((${percent%%.*} / 25 * 25)) %" ;;
        "Need to get"* | "After this operation"*) now=$kind ;;
        *) continue ;;
        esac
        [ "$now" = "$shown" ] || echo "set-up 1 of 6: system packages: $now"
        shown=$now
    done
}

missing=$(missing)
[ "$1" = install ] || { echo "$missing" && exit 0; }

as_root="env"
[ "$(id -u)" = 0 ] || as_root="sudo env"
echo "set-up 1 of 6: system packages:$missing ..."
$as_root apt-get update -qq && missing=$(missing) || refuse "apt-get could not read what there is" "$missing"
# --no-remove: a desktop's own audio server must never be taken away to make room for ours.
$as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends --no-remove \
    -o APT::Status-Fd=1 $missing | show_progress
missing=$(missing)
[ -z "$missing" ] || refuse "apt-get could not install what is missing" "$missing"
