# Running a command so that nothing it starts outlives it; to source.
# shellcheck shell=bash

# The session (setsid) of the command that in_session runs, empty when none does.
session=

# Runs a command in a session of its own and waits for it. A signal to the script ends
# the wait at once, and stop_session finds whatever the command has started, even in
# process groups of its own.
in_session() { # COMMAND…
    local status=0
    # A command in the background has SIGINT and SIGQUIT ignored; programs under test
    # must not inherit that.
    (
        trap - INT QUIT
        exec setsid "$@"
    ) &
    session=$!
    wait "$session" || status=$?
    stop_session
    return "$status"
}

# The processes of the session, one a line.
session_members() {
    local stat line fields
    for stat in /proc/[0-9]*/stat; do
        { line=$(<"$stat"); } 2>/dev/null || continue
        # After the name, which may hold anything: state, parent, group, session.
        read -r -a fields <<<"${line##*) }"
        if [[ ${fields[3]} == "$session" && ${fields[0]} != Z ]]; then
            stat=${stat#/proc/}
            echo "${stat%/stat}"
        fi
    done
}

# Ends what is left of the session: asks, waits up to five seconds, then insists.
stop_session() {
    local signal members deadline
    [[ -n $session ]] || return 0
    for signal in TERM KILL; do
        mapfile -t members < <(session_members)
        ((${#members[@]})) || break
        kill -s "$signal" -- "${members[@]}" 2>/dev/null || true
        deadline=$((SECONDS + 5))
        while ((SECONDS < deadline)) && [[ -n $(session_members) ]]; do sleep 0.1; done
    done
    session=
}
