#ifndef LANES_H
#define LANES_H

#include "curlp.h"

/* What is shared by the paths and the files that choose from them. */

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { STATE = CURLP_STATE_TRITS, RATE = CURLP_RATE_TRITS };

/* Overwrites the first 243 trits of a state. */
void curlp_state_set_rate(curlp_state *state, const curlp_block *rate);

/* Whether what a run takes in next depends on its sponge's rate. */
static inline bool needs_rate(const curlp_run *run) {
    return run->count > 0 && (run->masked || run->count < RATE);
}

enum { MOST_LANES = 512, MOST_WORDS = MOST_LANES / 64 };

/* A row of bytes a lane, each somewhere, of which so many can be read. */
typedef struct {
    const uint8_t *const *bytes;
    size_t length;
    curlp_format format;
} lane_rows;

/*
 * The planes of 64 * words states, words being 4 or 8: for each of the 729 trits `words` words
 * of its low bits, then as many of its high bits; lane n is bit n % 64 of word n / 64. Planes
 * lie at multiples of 64 bytes. Blocks of as many lanes stand side by side, see lanes_turn.h.
 */
typedef struct {
    /* Three or four rounds, from one place in memory to another; writes trits from...end - 1. */
    void (*rounds)(
        const uint64_t *old, uint64_t *new, unsigned words, unsigned rounds, unsigned from,
        unsigned end);
    /* As curlp_lanes_load. */
    void (*load)(
        uint64_t *planes, unsigned words, const lane_rows *rows, size_t from, size_t count);
    /* As curlp_lanes_read, to a place a lane; none for NULL. */
    void (*read)(
        const uint64_t *planes, unsigned words, uint8_t *const *trytes, size_t length);
    /* The first `count` trits of `taken` go to `planes` for the lanes in `mask`, after these were
       subtracted from them if `masked` says so. */
    void (*take)(
        uint64_t *taken, uint64_t *planes, unsigned words, size_t count, bool masked,
        const uint64_t *mask);
    /* From blocks to the first 243 trits of planes, and back. */
    void (*to_planes)(const uint64_t *blocks, uint64_t *planes, unsigned words);
    void (*to_blocks)(const uint64_t *planes, uint64_t *blocks, unsigned words);
    /* The rate of each lane that is not in `except` takes in a block of its run. */
    void (*next_blocks)(
        curlp_run *runs, uint64_t *blocks, unsigned words, const uint64_t *except);
    void (*next_block)(curlp_run *run, curlp_block *rate);
    /* As curlp_permute. */
    void (*permute)(curlp_state *state, unsigned rounds);
} lanes_path;

extern const lanes_path lanes_plain;
#if defined(__x86_64__)
extern const lanes_path lanes_avx2, lanes_avx512;
#endif

/* The fastest code of a path for so many lanes. */
const lanes_path *lanes_path_for(curlp_path path, unsigned lanes);

/* `rounds` rounds from `planes` to themselves; `other` is where passes write to meanwhile. */
typedef struct {
    const lanes_path *path;
    unsigned words;
    uint64_t *planes, *other;
} lanes_state;

/* All trits are zero, or there is no memory and `planes` is NULL. */
lanes_state lanes_state_create(const lanes_path *path, unsigned lanes);
void lanes_state_reset(lanes_state *state);
void lanes_state_release(lanes_state *state);

/* Which trits are needed after a permutation; the others then are anything. */
typedef enum { ALL_TRITS, ALL_BUT_RATE } lanes_needed;

void lanes_permute(lanes_state *state, unsigned rounds, lanes_needed needed);

/* The rates after a permutation of `start`, into it; the state is left as something. */
void lanes_permute_for_rate(lanes_state *state, uint64_t *start, unsigned rounds);

/* The same for some trits of the rate, from...end - 1, which go to those places of `result`. */
void lanes_permute_for_part(
    lanes_state *state, const uint64_t *start, uint64_t *result, unsigned rounds, unsigned from,
    unsigned end);

/* The state of all zeros, in bytes. */
size_t lanes_state_bytes(unsigned words);

#endif
