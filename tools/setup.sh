#!/bin/sh
# Brings what the Makefile's targets need.
#   tools/setup.sh venv FOLDER LOCK    a virtual environment that holds what LOCK names
#   tools/setup.sh parts COMMAND...    programs that pip cannot bring; where CI is set, a missing one is an error
set -eu

fail() {
    echo "$*" >&2
    exit 1
}

# Installs Debian packages, where there is apt-get and it may.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        sudo="sudo -n"
    fi
    echo "Installing $* by apt-get"
    $sudo apt-get -qq update >/dev/null 2>&1 || return 1
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >/dev/null 2>&1
}

# Prints the command that would install a package here.
how_to_install() {
    case "$(uname):$1" in
        Darwin:redis-server) echo "brew install redis" ;;
        Darwin:chromium) echo "brew install --cask chromium" ;;
        Darwin:*) echo "brew install python" ;;
        *) echo "apt-get install $1" ;;
    esac
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints the first interpreter that is new enough.
find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not Python 3.11 or newer"
    fail "Python 3.11 or newer is missing: $(how_to_install python3)"
}

# Debian cuts the part of Python that makes virtual environments off into a package of its own.
ensure_venv_module() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    apt_install "$package" || fail "$1 cannot make virtual environments: $(how_to_install "$package")"
}

create_venv() {
    python="$(find_python)"
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --python "$(command -v "$python")" "$1"
    else
        ensure_venv_module "$python"
        "$python" -m venv --clear "$1"
    fi
}

install_venv() {
    is_new_enough "$1/bin/python" || create_venv "$1"
    echo "Installing what $2 names into $1, which takes about a minute the first time"
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$1/bin/python" --require-hashes --no-deps -r "$2"
        return
    fi
    "$1/bin/python" -m pip --version >/dev/null 2>&1 || create_venv "$1"
    "$1/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r "$2"
}

install_parts() {
    for part in "$@"; do
        command -v "$part" >/dev/null 2>&1 && continue
        apt_install "$part" || true
        command -v "$part" >/dev/null 2>&1 && continue
        message="$part is missing: $(how_to_install "$part")"
        [ -z "${CI:-}" ] || fail "$message"
        echo "$message; tests that need it are skipped" >&2
    done
}

action="${1:-}"
[ "$#" -eq 0 ] || shift
case "$action" in
    venv) install_venv "$@" ;;
    parts) install_parts "$@" ;;
    *) fail "usage: tools/setup.sh venv FOLDER LOCK | parts COMMAND..." ;;
esac
