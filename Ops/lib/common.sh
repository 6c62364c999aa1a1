# What the scripts of Ops share; to source from bash after `set -euo pipefail`. Changes to
# the package's folder and sets root to it.
# shellcheck shell=bash

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
script_name=$(realpath --relative-to="$root" "$0")
cd "$root" || exit

say() { printf '%s: %s\n' "$script_name" "$*" >&2; }

# Ends the script with status 1 and one line that says why.
fail() {
    say "$*"
    exit 1
}

# Runs a step and says how long it took.
timed() { # NAME COMMAND…
    local name=$1 start=$SECONDS
    shift
    "$@"
    say "$name: $((SECONDS - start)) s"
}

# Settings of the caller must not lead a test or the demo to another database.
forget_settings() {
    local name
    for name in "${!PERMANODE_@}" "${!PG@}"; do unset "$name"; done
}
