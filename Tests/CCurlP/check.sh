#!/bin/sh
# Checks Curl-P's lanes, searches and sponges under the address and undefined-behaviour sanitizers.
set -eu
cd "$(dirname "$0")/../.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
options="-std=gnu17 -O1 -g -Wall -Wextra -Werror
    -fsanitize=address,undefined -fno-sanitize-recover=all -ISources/CCurlP/include"
for source in Sources/CCurlP/*.c; do
    # shellcheck disable=SC2086
    "${CC:-clang}" $options -c "$source" -o "$build/$(basename "$source").o"
done
for check in lanes_check search_check sponges_check; do
    # shellcheck disable=SC2086
    "${CC:-clang}" $options -fuse-ld=lld "Tests/CCurlP/$check.c" "$build"/*.o -o "$build/$check"
    "$build/$check"
done
