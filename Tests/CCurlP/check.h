#ifndef CHECK_H
#define CHECK_H

/* What the checks have in common: repeatable random numbers, and the truth table. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE = CURLP_STATE_TRITS, RATE = CURLP_RATE_TRITS };

static uint64_t seed = 20180601;

static inline unsigned random_below(unsigned bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % bound;
}

static inline void permute_by_table(int8_t state[STATE], unsigned rounds) {
    static const int8_t table[3][3] = {{1, 1, -1}, {0, -1, 1}, {-1, 0, 0}};
    while (rounds-- > 0) {
        int8_t old[STATE];
        memcpy(old, state, STATE);
        for (int i = 0; i < STATE; i++) {
            state[i] = table[old[364 * i % STATE] + 1][old[364 * (i + 1) % STATE] + 1];
        }
    }
}

static inline char character(const int8_t *trits, size_t there) {
    int value = trits[0] + (there > 1 ? 3 * trits[1] : 0) + (there > 2 ? 9 * trits[2] : 0);
    return "NOPQRSTUVWXYZ9ABCDEFGHIJKLM"[value + 13];
}

/* The bytes of `count` trits in the format; what is over in the last byte is 0. */
static inline uint8_t *bytes_of(const int8_t *trits, size_t count, curlp_format format, uint8_t *bytes) {
    for (size_t start = 0; start < count; start += (size_t)format) {
        size_t there = count - start < (size_t)format ? count - start : (size_t)format;
        int value = 0;
        for (size_t digit = there; digit-- > 0;) value = 3 * value + trits[start + digit];
        *bytes++ = format == CURLP_TRYTES ? (uint8_t)character(trits + start, there)
                                          : (uint8_t)value;
    }
    return bytes;
}

static inline void fail(const char *what, int path, unsigned width, size_t count, size_t trits) {
    printf("%s differs: path %d, %u lanes, %zu rows of %zu trits\n", what, path, width, count,
           trits);
    exit(1);
}

#endif
