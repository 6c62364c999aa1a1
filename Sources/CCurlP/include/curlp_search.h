#ifndef CURLP_SEARCH_H
#define CURLP_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "curlp_lanes.h"

/*
 * The search for a proof of work: for trits of one place in the last block after which the rate
 * ends with zeros.
 */

typedef struct curlp_search curlp_search;

/* Which searches there are beside each other for one block, each with nonces of its own. */
enum { CURLP_SEARCH_PARTS = 27, CURLP_SEARCH_LEAST_NONCE = 32 };

/*
 * A search from a state that has the last block in it, but is not permuted yet. The `nonce`
 * last trits of the rate, at least CURLP_SEARCH_LEAST_NONCE, are looked for, so that the rate
 * ends with `zeros` zeros, at most 243. `part` is below CURLP_SEARCH_PARTS.
 *
 * NULL as for curlp_lanes_create, and for numbers out of these bounds.
 */
curlp_search *curlp_search_create(
    curlp_path path, unsigned lanes, const int8_t *state, unsigned nonce, unsigned zeros,
    unsigned part
);

/* NULL is let pass. */
void curlp_search_release(curlp_search *search);

/*
 * Tries as many nonces as there are lanes, `times` times or until one of them will do, which is
 * written to `found`. Goes on where it was. Returns whether one was found.
 */
bool curlp_search_run(curlp_search *search, unsigned rounds, size_t times, int8_t *found);

#endif
