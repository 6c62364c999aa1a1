# The database that a libpq URI names, for PostgreSQL's own programs; to source.
# shellcheck shell=bash
#
# Their arguments are seen by everyone on the machine, and a URI may hold a password: it goes into a
# file of its own instead, which PGSERVICEFILE names.

# What a variable says: of PERMANODE_ENVIRONMENT_FILE first, as the program reads it.
setting() { # NAME
    local value=${!1-} line
    if [[ -n ${PERMANODE_ENVIRONMENT_FILE-} ]]; then
        line=$(grep -E "^[[:space:]]*$1[[:space:]]*=" "$PERMANODE_ENVIRONMENT_FILE" | tail -n 1) || true
        if [[ -n $line ]]; then
            value=${line#*=}
            value=$(sed -E 's/^[[:space:]]+//; s/[[:space:]]+$//; s/^"(.*)"$/\1/; '"s/^'(.*)'\$/\\1/" <<<"$value")
        fi
    fi
    printf '%s' "$value"
}

percent_decoded() { # TEXT
    local text=${1//\\/\\\\}
    printf '%b' "${text//%/\\x}"
}

# Writes DIR/service for the URI, and has PostgreSQL's programs use it.
use_database() { # URI DIR
    local pattern='^postgres(ql)?://(([^@/?]*)@)?([^/?]*)(/([^?]*))?(\?(.*))?$' user='' password='' pair
    local hosts='' ports='' host item
    if [[ ! $1 =~ $pattern ]]; then
        echo "PERMANODE_DATABASE_URL is no postgresql:// URI" >&2
        return 1
    fi
    local login=${BASH_REMATCH[3]} places=${BASH_REMATCH[4]} name=${BASH_REMATCH[6]} query=${BASH_REMATCH[8]}
    if [[ -n $login ]]; then
        user=$(percent_decoded "${login%%:*}")
        if [[ $login == *:* ]]; then password=$(percent_decoded "${login#*:}"); fi
    fi
    while IFS= read -r -d , item; do
        [[ -n $item ]] || continue
        host=$item
        if [[ $item =~ ^(\[.*\]|[^:]*):([0-9]+)$ ]]; then
            host=${BASH_REMATCH[1]}
            ports+=${ports:+,}${BASH_REMATCH[2]}
        fi
        hosts+=${hosts:+,}$(percent_decoded "${host//[\[\]]/}")
    done <<<"$places,"
    (
        umask 077
        echo '[permanode]'
        if [[ -n $hosts ]]; then echo "host=$hosts"; fi
        if [[ -n $ports ]]; then echo "port=$ports"; fi
        if [[ -n $user ]]; then echo "user=$user"; fi
        if [[ -n $password ]]; then echo "password=$password"; fi
        if [[ -n $name ]]; then echo "dbname=$(percent_decoded "$name")"; fi
        while IFS= read -r -d '&' pair; do
            if [[ -n $pair ]]; then echo "${pair%%=*}=$(percent_decoded "${pair#*=}")"; fi
        done <<<"$query&"
    ) >"$2/service"
    export PGSERVICEFILE=$2/service PGSERVICE=permanode
}
