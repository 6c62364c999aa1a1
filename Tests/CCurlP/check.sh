#!/bin/sh
# Checks the lanes of Curl-P under the address and undefined-behaviour sanitizers.
set -eu
cd "$(dirname "$0")/../.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
"${CC:-clang}" -std=gnu17 -O1 -g -Wall -Wextra -Werror \
    -fuse-ld=lld -fsanitize=address,undefined -fno-sanitize-recover=all \
    -ISources/CCurlP/include Sources/CCurlP/*.c Tests/CCurlP/lanes_check.c -o "$build/check"
"$build/check"
