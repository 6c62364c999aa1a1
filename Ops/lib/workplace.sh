# A folder and a database for one run of a script; to source after common.sh.
# shellcheck shell=bash

# shellcheck source=Ops/lib/session.sh
. Ops/lib/session.sh

# Makes the folder $work, and sees to it that nothing is left however the script ends.
# Under /tmp whatever TMPDIR says: the path of a socket has 107 bytes at most.
open_workplace() {
    work=$(mktemp -d /tmp/permanode.XXXXXX)
    trap close_workplace EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

close_workplace() {
    local status=$?
    trap - EXIT
    trap '' HUP INT TERM
    stop_session
    stop_database || true
    rm -rf "$work"
    exit "$status"
}

# Starts a PostgreSQL in $work and sets database_url. Nothing in it has to outlive a crash
# of the machine, so it need not wait for the disk.
start_database() {
    # shellcheck source=Ops/lib/postgres.sh
    . Ops/lib/postgres.sh
    database_started=yes
    postgres_start "$work/postgres" --fast
    # shellcheck disable=SC2034,SC2154  # from postgres.sh, for the script that sources this
    database_url=$postgres_url
}

stop_database() {
    [[ -n ${database_started-} ]] || return 0
    postgres_stop "$work/postgres"
}
