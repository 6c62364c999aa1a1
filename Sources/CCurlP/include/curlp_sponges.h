#ifndef CURLP_SPONGES_H
#define CURLP_SPONGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "curlp_lanes.h"

/*
 * Curl-P sponges that each go their own way: a sponge takes in what it is given, as it stands
 * or unmasking it, while others do something else. They are permuted together.
 */

/* 243 trits as two bit planes, coded as in curlp_state. Bits from 243 on stand for nothing. */
typedef struct {
    uint64_t low[4], high[4];
} curlp_block;

/* What one sponge takes in next, block by block; curlp_sponges_run moves it on. */
typedef struct {
    /* Trits from `from` on, `count` of them; nothing more is to be done when that is 0. With
       CURLP_BLOCKS both are multiples of 243. `length` bytes can be read. */
    const uint8_t *bytes;
    size_t length;
    size_t from, count;
    curlp_format format;
    /* Begins with a state of zeros; is unset then. */
    bool fresh;
    /* The trits are masked: the rate is subtracted from each block before it is taken in. */
    bool masked;
    /* Where what is taken in goes as characters, 81 a block, the last filled up with zero trits
       to a whole tryte; NULL for nowhere. */
    uint8_t *trytes;
    /* The same as blocks. Trits beyond the last are zero. */
    curlp_block *blocks;
} curlp_run;

typedef struct curlp_sponges curlp_sponges;

/* 1, 256 or 512 sponges, all states zero; NULL as for curlp_lanes_create. */
curlp_sponges *curlp_sponges_create(curlp_path path, unsigned width);

/* Overwrites all states and gives them back; NULL is let pass. */
void curlp_sponges_release(curlp_sponges *sponges);

/*
 * Takes in one block of every run, as many times as it takes until one of the runs that had
 * trits comes to its end: there is a run a sponge. A sponge without trits loses its state.
 */
void curlp_sponges_run(curlp_sponges *sponges, unsigned rounds, curlp_run *runs);

/* Reads the rate of one sponge. */
void curlp_sponges_rate(curlp_sponges *sponges, unsigned sponge, curlp_block *rate);

/* 243 trits to be hashed in a fresh sponge, `times` times over. */
typedef struct {
    curlp_block *block;
    size_t times;
} curlp_chain;

/* Replaces the blocks by their hashes; those with the largest `times` come first. Only full
   sponges cost what they should: many chains of about one length belong together. */
void curlp_sponges_chain(
    curlp_sponges *sponges, unsigned rounds, const curlp_chain *chains, size_t count);

/* The first `count` trits of trytes or t5b1. */
void curlp_trits(const uint8_t *bytes, curlp_format format, int8_t *trits, size_t count);

/* `count` trits from `from` on, together at most 243. */
void curlp_block_trits(const curlp_block *block, size_t from, int8_t *trits, size_t count);

/* The 81 characters of the block. */
void curlp_block_trytes(const curlp_block *block, uint8_t *trytes);

/* The block of 81 characters. */
void curlp_block_of_trytes(const uint8_t *trytes, curlp_block *block);

#endif
