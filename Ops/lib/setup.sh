# What a fresh Debian or Ubuntu needs before the package builds; to source after common.sh.
# shellcheck shell=bash

# What the C libraries and the tests need.
system_packages=(
    libpq-dev libmicrohttpd-dev libsodium-dev libcurl4-openssl-dev zlib1g-dev liblzma-dev libzmq3-dev postgresql
    pkg-config curl
)

# The oldest PostgreSQL (server and libpq) and Swift that will do.
minimum_postgres=15
minimum_swift=6.2

# Whether dotted version $1 is at least $2.
version_at_least() {
    [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

require_swift() {
    local version
    command -v swift >/dev/null \
        || fail "there is no swift in PATH; install a Swift toolchain ($minimum_swift or newer)"
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
    [[ -n $version ]] || fail "'swift --version' names no version; is the toolchain complete?"
    version_at_least "$version" "$minimum_swift" \
        || fail "Swift $version is too old; $minimum_swift or newer is needed"
}

# The system packages that are not installed, one a line.
missing_packages() {
    local package
    for package in "${system_packages[@]}"; do
        [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *" installed" ]] || echo "$package"
    done
}

# Installs what is missing, as root or through sudo.
require_packages() {
    local missing as_root=()
    [[ -n $(command -v apt-get) && -n $(command -v dpkg-query) ]] \
        || fail "only Debian and Ubuntu are set up by this script; install by hand what ${system_packages[*]} stand for, then use 'swift build'"
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    if [[ $EUID -ne 0 ]]; then
        command -v sudo >/dev/null || fail "missing: ${missing[*]}; install them as root, or install sudo"
        as_root=(sudo)
        # Without a terminal nobody can type a password.
        if [[ ! -t 0 ]]; then as_root+=(-n); fi
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" "${root:?}/Ops/lib/install-packages" "${missing[@]}" >&2 \
        || fail "could not install ${missing[*]}; install them by hand, then try again"
}

# The version that the header files and the server have: distributions older than
# Debian 12 and Ubuntu 23.04 offer less than what is needed.
require_postgres_version() {
    local version hint="use a newer distribution, or the PostgreSQL project's own packages"
    version=$(pkg-config --modversion libpq) || fail "pkg-config does not find libpq, although libpq-dev is installed"
    version_at_least "$version" "$minimum_postgres" \
        || fail "libpq $version is too old; $minimum_postgres or newer is needed; $hint"
}

set_up() {
    require_swift
    require_packages
    require_postgres_version
}
