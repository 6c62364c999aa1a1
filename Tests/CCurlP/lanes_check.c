/*
 * Compares the lanes, on every path that this CPU can take, with the truth table of Curl-P.
 * Run by check.sh under the address and undefined-behaviour sanitizers; rows stand in memory of
 * just their size, so that a byte read beyond them is found.
 */

#include "curlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE = CURLP_STATE_TRITS, RATE = CURLP_RATE_TRITS };

static uint64_t seed = 20180601;

static unsigned random_below(unsigned bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % bound;
}

static void permute_by_table(int8_t state[STATE], unsigned rounds) {
    static const int8_t table[3][3] = {{1, 1, -1}, {0, -1, 1}, {-1, 0, 0}};
    while (rounds-- > 0) {
        int8_t old[STATE];
        memcpy(old, state, STATE);
        for (int i = 0; i < STATE; i++) {
            state[i] = table[old[364 * i % STATE] + 1][old[364 * (i + 1) % STATE] + 1];
        }
    }
}

static char character(const int8_t *trits, size_t there) {
    int value = trits[0] + (there > 1 ? 3 * trits[1] : 0) + (there > 2 ? 9 * trits[2] : 0);
    return "NOPQRSTUVWXYZ9ABCDEFGHIJKLM"[value + 13];
}

/* The bytes of `count` trits in the format; what is over in the last byte is 0. */
static uint8_t *bytes_of(const int8_t *trits, size_t count, curlp_format format, uint8_t *bytes) {
    for (size_t start = 0; start < count; start += (size_t)format) {
        size_t there = count - start < (size_t)format ? count - start : (size_t)format;
        int value = 0;
        for (size_t digit = there; digit-- > 0;) value = 3 * value + trits[start + digit];
        *bytes++ = format == CURLP_TRYTES ? (uint8_t)character(trits + start, there)
                                          : (uint8_t)value;
    }
    return bytes;
}

static void fail(const char *what, int path, unsigned width, size_t count, size_t trits) {
    printf("%s differs: path %d, %u lanes, %zu rows of %zu trits\n", what, path, width, count,
           trits);
    exit(1);
}

/* Absorbs `count` rows of `trits` random trits and compares the whole states. */
static void check(
    curlp_path path, unsigned width, size_t count, size_t trits, unsigned rounds,
    curlp_format format
) {
    size_t length = (trits + (size_t)format - 1) / (size_t)format;
    int8_t *input = malloc(count * trits);
    uint8_t *rows = malloc(count * length), *end = rows, *output = malloc(count * STATE / 3);
    for (size_t i = 0; i < count * trits; i++) input[i] = (int8_t)((int)random_below(3) - 1);
    for (size_t row = 0; row < count; row++) {
        end = bytes_of(input + row * trits, trits, format, end);
    }
    curlp_lanes *lanes = curlp_lanes_create(path, width);
    if (lanes == NULL) fail("creation", (int)path, width, count, trits);
    curlp_lanes_absorb(lanes, rounds, &(curlp_rows){rows, length, count, format}, trits);
    curlp_lanes_read(lanes, output, STATE / 3, count);
    for (size_t row = 0; row < count; row++) {
        int8_t state[STATE] = {0};
        for (size_t from = 0; from < trits; from += RATE) {
            memcpy(state, input + row * trits + from, trits - from < RATE ? trits - from : RATE);
            permute_by_table(state, rounds);
        }
        for (size_t tryte = 0; tryte < STATE / 3; tryte++) {
            if (output[row * STATE / 3 + tryte] != character(state + 3 * tryte, 3)) {
                fail("a state", (int)path, width, row, trits);
            }
        }
    }
    curlp_lanes_release(lanes);
    free(input);
    free(rows);
    free(output);
}

/* Any byte at all must do: it stands for some trits or other. */
static void check_foreign_bytes(curlp_path path, unsigned width) {
    uint8_t rows[256];
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = (uint8_t)i;
    curlp_lanes *lanes = curlp_lanes_create(path, width);
    if (lanes == NULL) fail("creation", (int)path, width, 0, 0);
    curlp_rows trytes = {rows, 1, sizeof rows, CURLP_TRYTES};
    curlp_rows packed = {rows, 1, sizeof rows, CURLP_T5B1};
    curlp_lanes_absorb(lanes, 27, &trytes, 3);
    curlp_lanes_absorb(lanes, 27, &packed, 5);
    curlp_lanes_release(lanes);
}

int main(void) {
    static const size_t counts[] = {1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 511, 512};
    static const size_t lengths[] = {0, 1, 2, 3, 5, 7, 48, 49, 241, 243, 244, 250, 486, 730, 1001};
    unsigned paths = 0, checks = 0;
    for (curlp_path path = CURLP_PLAIN; path <= CURLP_AVX512; path++) {
        if (!curlp_path_runs(path)) continue;
        paths++;
        for (unsigned width = 256; width <= 512; width += 256) {
            check_foreign_bytes(path, width);
            for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
                if (counts[i] > width) continue;
                for (int format = 3; format <= 5; format += 2) {
                    size_t trits = counts[i] % 64 == 0 ? 3 * RATE : RATE + random_below(300);
                    check(path, width, counts[i], trits, 27, (curlp_format)format);
                    checks++;
                }
            }
            for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                for (int format = 3; format <= 5; format += 2) {
                    check(path, width, 33, lengths[i], 81, (curlp_format)format);
                    checks++;
                }
            }
        }
    }
    printf("%u comparisons on %u paths agree\n", checks, paths);
    return checks > 0 ? 0 : 1;
}
