#ifndef LANES_H
#define LANES_H

#include "curlp.h"

/* What is shared by lanes.c and the paths that it chooses from. */

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { STATE = CURLP_STATE_TRITS, RATE = CURLP_RATE_TRITS };

/*
 * The planes of 64 * words states, words being 4 or 8: for each of the 729 trits `words` words
 * of its low bits, then as many of its high bits; lane n is bit n % 64 of word n / 64. Planes
 * lie at multiples of 64 bytes.
 */
typedef struct {
    /* Three or four rounds, from one place in memory to another. */
    void (*rounds)(const uint64_t *old, uint64_t *new, unsigned words, unsigned rounds);
    /* As curlp_lanes_load. */
    void (*load)(
        uint64_t *planes, unsigned words, const curlp_rows *rows, size_t from, size_t count);
    /* As curlp_lanes_read. */
    void (*read)(
        const uint64_t *planes, unsigned words, uint8_t *trytes, size_t length, size_t rows);
} lanes_path;

extern const lanes_path lanes_plain;
#if defined(__x86_64__)
extern const lanes_path lanes_avx2, lanes_avx512;
#endif

#endif
