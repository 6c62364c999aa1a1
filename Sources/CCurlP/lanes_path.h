/*
 * One path, named LANES_PATH, for vectors of COLUMN_BYTES bytes: the file that includes this
 * defines both. Constants for the number of words let the compiler know all distances.
 */

#include "lanes_rounds.h"

#include "lanes_planes.h"

static void path_rounds(
    const uint64_t *old, uint64_t *new, unsigned words, unsigned rounds
) {
    enum { COLUMN_WORDS = COLUMN_BYTES / sizeof(uint64_t) };
    for (unsigned word = 0; word < words; word += COLUMN_WORDS) {
        if (words == 4) {
            if (rounds == 3) fused_rounds(old + word, new + word, 4, 3);
            else fused_rounds(old + word, new + word, 4, 4);
        } else {
            if (rounds == 3) fused_rounds(old + word, new + word, 8, 3);
            else fused_rounds(old + word, new + word, 8, 4);
        }
    }
}

static void path_load(
    uint64_t *planes, unsigned words, const curlp_rows *rows, size_t from, size_t count
) {
    unsigned known_words = words == 4 ? 4 : 8;
    if (rows->format == CURLP_TRYTES) {
        load_lanes(planes, known_words, CURLP_TRYTES, rows, from, count);
    } else {
        load_lanes(planes, known_words, CURLP_T5B1, rows, from, count);
    }
}

static void path_read(
    const uint64_t *planes, unsigned words, uint8_t *trytes, size_t length, size_t rows
) {
    read_lanes(planes, words, trytes, length, rows);
}

const lanes_path LANES_PATH = {path_rounds, path_load, path_read};
