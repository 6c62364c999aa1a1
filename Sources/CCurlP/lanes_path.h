/*
 * One path, named LANES_PATH, for vectors of COLUMN_BYTES bytes: the file that includes this
 * defines both. Constants for the number of words let the compiler know all distances.
 */

#include "lanes_rounds.h"

#include "lanes_planes.h"

/* A vector of more than four words is only for planes of eight: see path_for. */
static ALWAYS_INLINE bool has_four_words(unsigned words) {
    return COLUMN_BYTES <= 32 && words == 4;
}

static ALWAYS_INLINE void all_columns(
    const uint64_t *old, uint64_t *new, unsigned words, unsigned rounds
) {
    for (unsigned word = 0; word < words; word += COLUMN_BYTES / sizeof(uint64_t)) {
        fused_rounds(old + word, new + word, words, rounds);
    }
}

static void path_rounds(
    const uint64_t *old, uint64_t *new, unsigned words, unsigned rounds
) {
    bool four = has_four_words(words);
    if (four && rounds == 4) all_columns(old, new, 4, 4);
    else if (four) all_columns(old, new, 4, 3);
    else if (rounds == 4) all_columns(old, new, 8, 4);
    else all_columns(old, new, 8, 3);
}

static void path_load(
    uint64_t *planes, unsigned words, const curlp_rows *rows, size_t from, size_t count
) {
    bool trytes = rows->format == CURLP_TRYTES, four = has_four_words(words);
    if (four && trytes) load_lanes(planes, 4, CURLP_TRYTES, rows, from, count);
    else if (four) load_lanes(planes, 4, CURLP_T5B1, rows, from, count);
    else if (trytes) load_lanes(planes, 8, CURLP_TRYTES, rows, from, count);
    else load_lanes(planes, 8, CURLP_T5B1, rows, from, count);
}

static void path_read(
    const uint64_t *planes, unsigned words, uint8_t *trytes, size_t length, size_t rows
) {
    read_lanes(planes, words, trytes, length, rows);
}

const lanes_path LANES_PATH = {path_rounds, path_load, path_read};
