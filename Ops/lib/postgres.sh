# A private PostgreSQL cluster for demos and tests, on a unix socket only; to source.
# shellcheck shell=bash
#
#   postgres_start DIR [--fast]  makes a cluster in the new directory DIR, starts it, and sets
#                                postgres_url, a libpq URI of its maintenance database.
#                                --fast: without fsync, for data that may be lost (tests).
#   postgres_pause DIR [MODE]    stops the server (pg_ctl's mode; fast) and keeps its data.
#   postgres_resume DIR          starts it again.
#   postgres_stop DIR            stops the server and removes DIR: for the caller's EXIT trap.
#
# Starting or stopping twice is harmless. As root, the server runs as `postgres`, or `nobody`
# where there is no such user, because PostgreSQL refuses to run as root.

postgres_oldest=15

# Prints the directory of the newest PostgreSQL's programs that is new enough.
postgres_find_bin() {
    local initdb version best='' best_version=0
    for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
        [[ -x $initdb && -x $(dirname "$initdb")/pg_ctl ]] || continue
        version=$("$initdb" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
        if ((version >= postgres_oldest && version > best_version)); then
            best=$(dirname "$initdb")
            best_version=$version
        fi
    done
    if [[ -z $best ]]; then
        echo "PostgreSQL $postgres_oldest or newer is missing: install the package postgresql" >&2
        return 1
    fi
    echo "$best"
}

# Prints the user who owns the server when root asks, else nothing.
postgres_owner() {
    [[ $(id -u) -eq 0 ]] || return 0
    if id -u postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# Runs one of PostgreSQL's programs as the owner, without any of the caller's files and pipes,
# so that nobody who waits for the end of one waits for the server.
postgres_run() { # DIR PROGRAM ARGUMENT…
    local directory=$1 program=$2 owner bin descriptor
    shift 2
    owner=$(postgres_owner)
    bin=$(postgres_find_bin) || return 1
    (
        cd "$directory" || exit 1
        if [[ -n $owner ]]; then set -- runuser -u "$owner" -- "$bin/$program" "$@"; else
            set -- "$bin/$program" "$@"
        fi
        for descriptor in /dev/fd/*; do
            descriptor=${descriptor##*/}
            if ((descriptor > 2)); then exec {descriptor}>&-; fi
        done
        exec "$@"
    ) </dev/null >>"$directory/ops.log" 2>&1
}

postgres_start() { # DIR [--fast]
    local directory=$1 fsync=on owner
    case "${2-}" in
    '') ;;
    --fast) fsync=off ;;
    *)
        echo "postgres_start: unknown option $2" >&2
        return 2
        ;;
    esac
    # The path of a socket has 107 bytes at most, and stands in a URI as it is.
    if [[ ! $directory =~ ^/[A-Za-z0-9/._-]{1,80}$ ]]; then
        echo "postgres_start: $directory is no absolute path of at most 80 plain characters" >&2
        return 2
    fi
    # shellcheck disable=SC2034  # for the script that sources this
    postgres_url="postgresql:///postgres?host=$directory&user=postgres"
    if [[ -e $directory/data/postmaster.pid ]]; then return 0; fi
    postgres_find_bin >/dev/null || return 1
    mkdir -m 0700 "$directory" || return 1
    owner=$(postgres_owner)
    if [[ -n $owner ]]; then
        # The owner has to get at its directory, which lies in one of root's.
        chmod go+x "$(dirname "$directory")" && chown "$owner" "$directory" || return 1
    fi
    # Trust is safe here: the directory, and so the socket, is open to its owner (and root) only.
    if ! postgres_run "$directory" initdb --pgdata="$directory/data" --username=postgres \
        --auth=trust --encoding=UTF8 --locale=C --no-sync; then
        postgres_explain "$directory" "the database cluster could not be made"
        return 1
    fi
    cat >>"$directory/data/postgresql.conf" <<TEXT
listen_addresses = ''
unix_socket_directories = '$directory'
unix_socket_permissions = 0700
fsync = $fsync
max_connections = 300
TEXT
    if ! postgres_resume "$directory"; then
        postgres_explain "$directory" "the database server did not start"
        return 1
    fi
}

postgres_pause() { # DIR [MODE]
    postgres_run "$1" pg_ctl stop --pgdata="$1/data" --wait --mode="${2-fast}"
}

postgres_resume() { # DIR
    postgres_run "$1" pg_ctl start --pgdata="$1/data" --wait --timeout=60 --log="$1/server.log"
}

postgres_stop() { # DIR
    [[ -d $1 ]] || return 0
    if [[ -e $1/data/postmaster.pid ]] && ! postgres_pause "$1" immediate; then
        echo "the database server in $1 did not stop" >&2
        return 1
    fi
    rm -rf "$1"
}

# Says what failed, shows the last words of the logs, and removes the cluster.
postgres_explain() { # DIR TEXT
    local log
    echo "$2:" >&2
    for log in "$1/ops.log" "$1/server.log"; do
        if [[ -e $log ]]; then tail -n 20 "$log" >&2; fi
    done
    postgres_stop "$1"
}
