#ifndef SPONGES_H
#define SPONGES_H

#include "lanes.h"

/*
 * Sponges that go their own way share lanes: each takes its block out of its own bytes, then all
 * blocks are turned into planes together, and permuted. One sponge alone has a state of its own.
 *
 * Mostly many runs are alike: they are in the same form, begin at the same trit of a byte, and
 * have the same done with them. Messages of a meter that are opened side by side are so from
 * their first block to their last. Such runs are taken into planes and unmasked there, without
 * blocks, in a third of the time (sponges_alike.c); the others each go their own way.
 */
struct curlp_sponges {
    const lanes_path *path;
    unsigned width;
    curlp_state one;
    /* The rest is for more than one. */
    lanes_state lanes;
    /* All lanes' rates, as lanes_turn.h has them, if `rates_are_read`. */
    uint64_t *rates;
    bool rates_are_read;
    /* Blocks followed by zeros, for chains; what runs that are alike take in. */
    uint64_t *fresh;
};

/* Runs that are alike, and where they have got to. */
typedef struct {
    /* A bit for each lane whose run is one of them; none at all if there are too few. */
    uint64_t mask[MOST_WORDS];
    /* Trits of their next block; 0 if there are none of them. */
    size_t count;
    /* Whether other lanes have runs. */
    bool others;
    curlp_format format;
    bool masked, to_trytes, to_blocks;
    /* Of each lane, those of another run where its own is not among these. */
    const uint8_t *bytes[MOST_LANES];
    /* Bytes that can be read of each, and trits before the next block in the first of them. */
    size_t length;
    unsigned skip;
    /* Where characters go; NULL for no lane of these. */
    uint8_t *trytes[MOST_LANES];
} alike_runs;

/* Finds the largest group, or one that is about as large. */
void alike_find(alike_runs *alike, const curlp_sponges *sponges, const curlp_run *runs);

/* Takes in the next block of each. Nothing is permuted. */
void alike_take(alike_runs *alike, curlp_sponges *sponges, curlp_run *runs);

#endif
