# What can be known to fail is refused here, before anything is installed; sourced by prepare.sh.

OLDEST_MINOR=10 # of Python 3
NEWEST_MINOR=14
SYSTEM_MB=1500  # what the system packages of a bare Debian take
CPU_MB=4000     # `.venv` with a CPU build of torch, downloads under way included
CUDA_MB=9000    # the same with torch built for CUDA
PATIENCE_S=1.5  # for an answer of an index

refuse() {
    echo "set-up: $1." >&2
    exit 2
}

# The ROS 2 installation to use: the one sourced, else the newest under /opt/ros, else none.
installed_ros() {
    for name in ${ROS_DISTRO:-} kilted jazzy iron humble; do
        case "$name" in kilted | jazzy | iron | humble) ;; *) continue ;; esac
        [ ! -f "/opt/ros/$name/setup.sh" ] || { echo "/opt/ros/$name" && return; }
    done
}

check_architecture() {
    [ "$(uname -s)" = Linux ] || refuse "this is $(uname -s), which has no ROS 2 packages here; use Linux, a container or a virtual machine"
    case "$(uname -m)" in
    x86_64) ;;
    aarch64 | arm64)
        [ -n "$ros" ] || refuse "on $(uname -m) the package index has every locked package but ROS 2 itself, so no node, demo or test can run; \
install ROS 2 (Humble to Kilted) of your distribution under /opt/ros and run make again, which then builds on it"
        ;;
    *) refuse "there are no packages for $(uname -m); use a machine with x86_64, or aarch64 with ROS 2 (Humble to Kilted) under /opt/ros" ;;
    esac
}

# Where a Python is looked for: with ROS 2 it is the one that ROS was built for, and `.venv` keeps the one it has.
pythons() {
    if [ -n "$ros" ]; then
        echo /usr/bin/python3
    elif [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
    else
        echo .venv/bin/python python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3.10
    fi
}

# "3.MINOR PATH" of a command; the path is never that of an activated environment.
version_and_path() {
    "$1" -c 'import os, sys; print("%d.%d" % sys.version_info[:2], os.path.realpath(sys._base_executable))' 2>/dev/null
}

is_supported() {
    case "$1" in 3.[0-9] | 3.[0-9][0-9]) ;; *) return 1 ;; esac
    [ "${1#3.}" -ge "$OLDEST_MINOR" ] && [ "${1#3.}" -le "$NEWEST_MINOR" ]
}

# The Python to build on; empty where there is none.
find_python() {
    for name in $(pythons); do
        command -v "$name" >/dev/null || continue
        found=$(version_and_path "$name") || continue
        ! is_supported "${found%% *}" || { echo "${found#* }" && return; }
    done
}

# Whether the distribution's own Python is among the packages to install, and is one to build on.
distribution_brings_python() {
    case "${PYTHON:-python3}" in python3 | /usr/bin/python3) ;; *) return 1 ;; esac
    [ -z "${PYTHON:-}" ] || ! command -v "$PYTHON" >/dev/null || return 1
    case "$missing " in *" python3 "*) ;; *) return 1 ;; esac
    candidate=$(apt-cache policy python3 2>/dev/null | sed -n 's/^ *Candidate: \(3\.[0-9]*\).*/\1/p')
    [ -z "$candidate" ] || is_supported "$candidate" || { offered=$candidate && return 1; } # none: not known before `apt-get update`
}

check_python() {
    [ -z "$python" ] || return 0
    offered=""
    ! distribution_brings_python || return 0
    seen=${offered:+"the distribution has $offered"}
    for name in $(pythons); do
        command -v "$name" >/dev/null || continue
        found=$(version_and_path "$name") || found="broken"
        seen="$seen${seen:+, }$name is ${found%% *}"
    done
    refuse "no Python 3.$OLDEST_MINOR to 3.$NEWEST_MINOR was found (${seen:-there is no ${PYTHON:-python3}}); \
install one and name it, as in: make demo PYTHON=/usr/local/bin/python3.12"
}

# What the distribution's packages do not bring for a Python that is not the distribution's.
check_python_parts() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null || refuse "$python cannot make an environment; install its venv package, python3-venv or the like"
    header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
    [ -f "$header" ] || refuse "$python has no headers ($header), which PyAudio and the messages are built with; install its dev package, python3-dev or the like"
}

check_root() {
    [ "$(id -u)" != 0 ] || return 0
    command -v sudo >/dev/null ||
        refuse "system packages are missing, you are not root and there is no sudo; have root run: apt-get install$missing"
    [ -t 0 ] || sudo -n true 2>/dev/null ||
        refuse "system packages are missing and sudo asks for a password, which nobody here can type; have root run: apt-get install$missing"
}

check_disk() {
    needed_mb=$CPU_MB
    ! command -v nvidia-smi >/dev/null || needed_mb=$CUDA_MB
    [ -z "$missing" ] || needed_mb=$((needed_mb + SYSTEM_MB))
    have_mb=$(du -sm .venv 2>/dev/null | cut -f 1)
    free_mb=$(df -Pk . | sed -n '2s/ \{1,\}/ /gp' | cut -d ' ' -f 4)
    free_mb=$((free_mb / 1024))
    [ $((free_mb + ${have_mb:-0})) -ge "$needed_mb" ] ||
        refuse "about $((needed_mb - ${have_mb:-0})) MB are needed and $free_mb MB are free in $PWD; free some or clone to a larger disk"
}

# Runs a command that asks an index: 0 if it was answered or stays silent too long to tell, 1 if it cannot be reached.
answers() {
    timeout "$PATIENCE_S" "$@" >/dev/null 2>&1 && return 0
    [ $? = 124 ] || return 1
    echo "set-up: no answer within $PATIENCE_S s from $1; going on" >&2
}

check_apt() {
    list=$(apt-get indextargets --format '$(REPO_URI)dists/$(RELEASE)/InRelease' 'Created-By: Packages' 2>/dev/null | grep '^http' | head -n 1)
    [ -n "$list" ] && [ -x /usr/lib/apt/apt-helper ] || return 0
    answers /usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file "$list" "${TMPDIR:-/tmp}/autoglm-set-up.$$" ||
        refuse "apt cannot reach ${list%/dists/*}, from where system packages are missing; check the network or apt's proxy and sources, and run make again"
    rm -f "${TMPDIR:-/tmp}/autoglm-set-up.$$"
}

# Asked by pip itself, so that its configuration, proxies and certificates hold.
check_index() {
    answers "$1" -m pip index versions --retries 0 --disable-pip-version-check iniconfig ||
        refuse "pip cannot reach its package index (see $1 -m pip config list); check the network, its proxy and its index-url, and run make again"
}
