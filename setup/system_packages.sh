#!/bin/sh
# Install those packages of requirements/debian.txt that are missing; nothing to do costs some milliseconds.
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
missing=$(missing)
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then as_root="env"
elif command -v sudo >/dev/null; then as_root="sudo env"
else refuse "system packages are missing, you are not root and there is no sudo" "$missing"
fi
echo "set-up: installing$missing" >&2
# --no-remove: a desktop's own audio server must never be taken away to make room for ours.
$as_root apt-get update -qq && missing=$(missing) &&
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove $missing >&2 ||
    refuse "apt-get could not install what is missing" "$missing"
