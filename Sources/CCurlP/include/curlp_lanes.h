#ifndef CURLP_LANES_H
#define CURLP_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The Curl-P sponge over 256 or 512 states, the lanes, side by side. */

/* What the permutation is compiled for. */
typedef enum { CURLP_PLAIN, CURLP_AVX2, CURLP_AVX512 } curlp_path;

/* Whether this CPU can take the path. */
bool curlp_path_runs(curlp_path path);

/*
 * The fastest path that runs here, or the one that the environment variable PERMANODE_CURLP
 * names, plain, avx2 or avx512, if that runs here.
 */
curlp_path curlp_best_path(void);

typedef struct curlp_lanes curlp_lanes;

/* All states zero; NULL without memory, if the path does not run here or for other widths. */
curlp_lanes *curlp_lanes_create(curlp_path path, unsigned lanes);

/* Makes all states zero. */
void curlp_lanes_reset(curlp_lanes *lanes);

/* Overwrites the states and gives them back; NULL is let pass. */
void curlp_lanes_release(curlp_lanes *lanes);

/* How trits stand in bytes. */
typedef enum {
    CURLP_TRYTES = 3,   /* a byte is a character of 9, A...Z: three trits */
    CURLP_T5B1 = 5,     /* a byte is a signed number from -121 to 121: five trits */
    CURLP_BLOCKS = 243, /* a curlp_block in memory; not for rows */
} curlp_format;

/*
 * As many rows as lanes, or fewer, of `length` bytes each, one after the other: row i is for
 * lane i. Lanes without a row hold anything. Bytes that are not of the format stand for some
 * trits or other.
 */
typedef struct {
    const uint8_t *bytes;
    size_t length, count;
    curlp_format format;
} curlp_rows;

/*
 * Overwrites the first `count` trits of each state, at most 729, with the row's trits from
 * `from` on. The rows are long enough for that.
 */
void curlp_lanes_load(curlp_lanes *lanes, const curlp_rows *rows, size_t from, size_t count);

/* Applies the round `rounds` times to all states; `rounds` is a multiple of 27. */
void curlp_lanes_permute(curlp_lanes *lanes, unsigned rounds);

/*
 * Absorbs the first `count` trits of each row: overwrites the first trits of its state with
 * blocks of up to 243, permuting after each.
 */
void curlp_lanes_absorb(
    curlp_lanes *lanes, unsigned rounds, const curlp_rows *rows, size_t count
);

/*
 * Writes the first trits of the first `rows` states as trytes, `length` characters a row, at
 * most 243, one row after the other.
 */
void curlp_lanes_read(const curlp_lanes *lanes, uint8_t *trytes, size_t length, size_t rows);

#endif
