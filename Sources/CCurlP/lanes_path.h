/*
 * One path, named LANES_PATH, for vectors of COLUMN_BYTES bytes: the file that includes this
 * defines both. Constants for the number of words let the compiler know all distances.
 */

#include "lanes_rounds.h"

#include "lanes_planes.h"

#include "lanes_turn.h"

#include "lanes_blocks.h"

#include "state_rounds.h"

/* A vector of more than four words is only for planes of eight: see lanes_path_for. */
static ALWAYS_INLINE bool has_four_words(unsigned words) {
    return COLUMN_BYTES <= 32 && words == 4;
}

static ALWAYS_INLINE void all_columns(
    const uint64_t *old, uint64_t *new, unsigned words, unsigned rounds, unsigned from,
    unsigned end
) {
    for (unsigned word = 0; word < words; word += COLUMN_BYTES / sizeof(uint64_t)) {
        fused_rounds(old + word, new + word, words, rounds, from, end);
    }
}

static void path_rounds(
    const uint64_t *old, uint64_t *new, unsigned words, unsigned rounds, unsigned from,
    unsigned end
) {
    bool four = has_four_words(words);
    if (four && rounds == 4) all_columns(old, new, 4, 4, from, end);
    else if (four) all_columns(old, new, 4, 3, from, end);
    else if (rounds == 4) all_columns(old, new, 8, 4, from, end);
    else all_columns(old, new, 8, 3, from, end);
}

static void path_load(
    uint64_t *planes, unsigned words, const lane_rows *rows, size_t from, size_t count
) {
    bool trytes = rows->format == CURLP_TRYTES, four = has_four_words(words);
    if (four && trytes) load_lanes(planes, 4, CURLP_TRYTES, rows, from, count);
    else if (four) load_lanes(planes, 4, CURLP_T5B1, rows, from, count);
    else if (trytes) load_lanes(planes, 8, CURLP_TRYTES, rows, from, count);
    else load_lanes(planes, 8, CURLP_T5B1, rows, from, count);
}

static void path_read(
    const uint64_t *planes, unsigned words, uint8_t *const *trytes, size_t length
) {
    if (has_four_words(words)) read_lanes(planes, 4, trytes, length);
    else read_lanes(planes, 8, trytes, length);
}

static void path_take(
    uint64_t *taken, uint64_t *planes, unsigned words, size_t count, bool masked,
    const uint64_t *mask
) {
    bool four = has_four_words(words);
    if (four && masked) take_planes(taken, planes, 4, count, true, mask);
    else if (four) take_planes(taken, planes, 4, count, false, mask);
    else if (masked) take_planes(taken, planes, 8, count, true, mask);
    else take_planes(taken, planes, 8, count, false, mask);
}

static void path_to_planes(const uint64_t *blocks, uint64_t *planes, unsigned words) {
    if (has_four_words(words)) blocks_to_planes(blocks, planes, 4);
    else blocks_to_planes(blocks, planes, 8);
}

static void path_to_blocks(const uint64_t *planes, uint64_t *blocks, unsigned words) {
    if (has_four_words(words)) planes_to_blocks(planes, blocks, 4);
    else planes_to_blocks(planes, blocks, 8);
}

static void path_next_block(curlp_run *run, curlp_block *rate) {
    next_block(run, rate);
}

static void path_next_blocks(
    curlp_run *runs, uint64_t *blocks, unsigned words, const uint64_t *except
) {
    next_blocks(runs, blocks, words, except);
}

const lanes_path LANES_PATH = {
    path_rounds, path_load, path_read, path_take, path_to_planes, path_to_blocks,
    path_next_blocks, path_next_block, path_permute,
};
