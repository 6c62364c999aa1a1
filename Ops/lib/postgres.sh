# A private PostgreSQL cluster for demos and tests, on a unix socket only. To be sourced (bash).
#
#   postgres_start [--fast]   makes a cluster in a temporary directory and starts it; sets and
#                             exports POSTGRES_URL, a libpq URI of its maintenance database.
#                             --fast: without fsync, for data that may be lost (tests).
#   postgres_pause            stops the server and keeps its data; postgres_resume starts it again.
#   postgres_stop             stops the server and removes everything: for the caller's EXIT trap.
#
# Each shell has a cluster of its own; starting or stopping twice is harmless. Started as root,
# the server runs as `postgres`, or `nobody` where there is no such user, because PostgreSQL
# refuses to run as root.

POSTGRES_OLDEST=15
postgres_dir=
postgres_bin=
postgres_user=

# Prints the directory of the newest PostgreSQL's programs that is new enough.
postgres_find_bin() {
    local initdb version best= best_version=0
    for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
        [ -x "$initdb" ] && [ -x "$(dirname "$initdb")/pg_ctl" ] || continue
        version=$("$initdb" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
        if [ "$version" -ge "$POSTGRES_OLDEST" ] && [ "$version" -gt "$best_version" ]; then
            best=$(dirname "$initdb")
            best_version=$version
        fi
    done
    if [ -z "$best" ]; then
        echo "PostgreSQL $POSTGRES_OLDEST or newer is missing: install the package postgresql" >&2
        return 1
    fi
    echo "$best"
}

# Runs a command as the user who owns the cluster, away from the caller's streams, so that a
# server never holds a pipe of the caller open.
postgres_as_owner() {
    (
        cd "$postgres_dir" || exit 1
        if [ -n "$postgres_user" ]; then
            exec runuser -u "$postgres_user" -- "$@"
        fi
        exec "$@"
    ) </dev/null >>"$postgres_dir/ops.log" 2>&1
}

postgres_start() {
    local fsync=on temporary=${TMPDIR:-/tmp}
    case "${1:-}" in
    '') ;;
    --fast) fsync=off ;;
    *)
        echo "postgres_start: unknown option $1" >&2
        return 2
        ;;
    esac
    [ -z "$postgres_dir" ] || return 0
    postgres_bin=$(postgres_find_bin) || return 1
    # A socket's path has room for 107 bytes, and it must stand in a URI as it is.
    [ "${#temporary}" -le 60 ] || temporary=/tmp
    case "$temporary" in *[!A-Za-z0-9/._-]*) temporary=/tmp ;; esac
    postgres_user=
    if [ "$(id -u)" -eq 0 ]; then
        temporary=/tmp # root's own may be closed to the other user
        postgres_user=postgres
        id -u postgres >/dev/null 2>&1 || postgres_user=nobody
    fi
    postgres_dir=$(mktemp -d "$temporary/permanode-pg.XXXXXXXX") || return 1
    : >"$postgres_dir/ops.log"
    if [ -n "$postgres_user" ] && ! chown -R "$postgres_user" "$postgres_dir"; then
        postgres_stop
        return 1
    fi
    # Trust is safe here: the directory, and so the socket, is open to its owner (and root) only.
    if ! postgres_as_owner "$postgres_bin/initdb" --pgdata="$postgres_dir/data" \
        --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync; then
        postgres_explain "the database cluster could not be made"
        return 1
    fi
    cat >>"$postgres_dir/data/postgresql.conf" <<EOF
listen_addresses = ''
unix_socket_directories = '$postgres_dir'
unix_socket_permissions = 0700
fsync = $fsync
max_connections = 200
EOF
    if ! postgres_resume; then
        postgres_explain "the database server did not start"
        return 1
    fi
    export POSTGRES_URL="postgresql:///postgres?host=$postgres_dir&user=postgres"
}

postgres_pause() {
    postgres_as_owner "$postgres_bin/pg_ctl" stop --pgdata="$postgres_dir/data" --wait \
        --mode="${1:-fast}"
}

postgres_resume() {
    postgres_as_owner "$postgres_bin/pg_ctl" start --pgdata="$postgres_dir/data" --wait \
        --timeout=60 --log="$postgres_dir/server.log"
}

postgres_stop() {
    [ -n "$postgres_dir" ] || return 0
    if [ -e "$postgres_dir/data/postmaster.pid" ]; then
        postgres_pause immediate || echo "the database server in $postgres_dir did not stop" >&2
    fi
    rm -rf "$postgres_dir"
    postgres_dir=
    unset POSTGRES_URL
}

# Says what failed, shows the last words of the logs, and removes the cluster.
postgres_explain() {
    echo "$1:" >&2
    tail -n 20 "$postgres_dir/ops.log" >&2
    [ ! -e "$postgres_dir/server.log" ] || tail -n 20 "$postgres_dir/server.log" >&2
    postgres_stop
}
