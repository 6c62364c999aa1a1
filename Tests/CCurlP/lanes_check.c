/*
 * Compares the lanes, on every path that this CPU can take, with the truth table of Curl-P.
 * Run by check.sh under the address and undefined-behaviour sanitizers; rows stand in memory of
 * just their size, so that a byte read beyond them is found.
 */

#include "curlp.h"

#include "check.h"

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
