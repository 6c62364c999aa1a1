#ifndef CURLP_H
#define CURLP_H

#include <stddef.h>
#include <stdint.h>

#include "curlp_lanes.h"
#include "curlp_search.h"
#include "curlp_sponges.h"

/* The Curl-P sponge (mam-v0, "Curl-P") over one state, and the wiping of secrets. */

enum { CURLP_STATE_TRITS = 729, CURLP_RATE_TRITS = 243, CURLP_WORDS = 16 };

/*
 * 729 trits as two bit planes: a trit is -1 as (low, high) = (1, 0), 0 as (1, 1), 1 as (0, 1).
 * Bit i of a plane is bit i % 64 of its word i / 64. The 295 bits from 729 on repeat the first,
 * so that 256 bits can be read in one go from any place below 729.
 */
typedef struct {
    uint64_t low[CURLP_WORDS];
    uint64_t high[CURLP_WORDS];
} curlp_state;

/* 729 zeros. */
void curlp_reset(curlp_state *state);

/* Applies the round `rounds` times; `rounds` is a multiple of 27 (here always 27 or 81). */
void curlp_permute(curlp_state *state, unsigned rounds);

/*
 * Overwrites the first trits of the state with blocks of up to 243 of the `count` trits,
 * permuting after each; a short last block leaves the rest of the state as it was.
 */
void curlp_absorb(curlp_state *state, unsigned rounds, const int8_t *trits, size_t count);

/* Overwrites the first `count` trits of the state, at most 243, without a permutation. */
void curlp_load(curlp_state *state, const int8_t *trits, size_t count);

/* Reads the first `count` trits of the state, at most 729, without a permutation. */
void curlp_read(const curlp_state *state, int8_t *trits, size_t count);

/* Overwrites memory that held a secret, in a way the compiler may not leave out. */
void curlp_wipe(void *memory, size_t count);

#endif
