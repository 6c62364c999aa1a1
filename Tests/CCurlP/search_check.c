/*
 * Compares what searches find, on every path that this CPU can take, with the truth table of
 * Curl-P. Run by check.sh under the address and undefined-behaviour sanitizers.
 */

#include "curlp.h"

#include "check.h"

/* More than it takes for 7 zeros, by far. */
enum { MOST_TIMES = 4000 };

static unsigned searches;

#define REQUIRE(condition, path, width) do { \
    if (!(condition)) fail(#condition, (int)(path), width, searches, RATE); \
} while (0)

static void check(
    curlp_path path, unsigned width, unsigned rounds, unsigned nonce, unsigned zeros, unsigned part
) {
    int8_t state[STATE], found[RATE], after[STATE];
    for (int i = 0; i < STATE; i++) state[i] = (int8_t)((int)random_below(3) - 1);
    curlp_search *search = curlp_search_create(path, width, state, nonce, zeros, part);
    REQUIRE(search != NULL, path, width);
    /* Twice, as it goes on where it was. */
    int8_t before[RATE] = {0};
    for (int time = 0; time < 2; time++) {
        REQUIRE(curlp_search_run(search, rounds, MOST_TIMES, found), path, width);
        REQUIRE(time == 0 || memcmp(before, found, nonce) != 0, path, width);
        memcpy(before, found, nonce);
        memcpy(state + RATE - nonce, found, nonce);
        memcpy(after, state, STATE);
        permute_by_table(after, rounds);
        for (unsigned i = RATE - zeros; i < RATE; i++) REQUIRE(after[i] == 0, path, width);
    }
    REQUIRE(!curlp_search_run(search, rounds, 0, found), path, width);
    curlp_search_release(search);
    searches++;
}

#define REFUSED(...) REQUIRE(curlp_search_create(__VA_ARGS__) == NULL, paths[path], 256)

int main(void) {
    static const curlp_path paths[] = {CURLP_PLAIN, CURLP_AVX2, CURLP_AVX512};
    int8_t state[STATE] = {0};
    for (int path = 0; path < 3; path++) {
        if (!curlp_path_runs(paths[path])) {
            REFUSED(paths[path], 256, state, 81, 1, 0);
            continue;
        }
        for (unsigned width = 256; width <= 512; width += 256) {
            for (unsigned zeros = 0; zeros <= 7; zeros++) {
                check(paths[path], width, 81, 81, zeros, zeros % CURLP_SEARCH_PARTS);
                check(paths[path], width, 27, CURLP_SEARCH_LEAST_NONCE, zeros, 26);
            }
            check(paths[path], width, 81, RATE, 3, 1);
        }
        REFUSED(paths[path], 128, state, 81, 1, 0);
        REFUSED(paths[path], 256, state, RATE + 1, 1, 0);
        REFUSED(paths[path], 256, state, 31, 1, 0);
        REFUSED(paths[path], 256, state, 81, RATE + 1, 0);
        REFUSED(paths[path], 256, state, 81, 1, CURLP_SEARCH_PARTS);
    }
    curlp_search_release(NULL);
    printf("%u searches agree\n", searches);
    return 0;
}
