#include "lanes.h"

#include <stdatomic.h>
#include <string.h>

enum { WORDS = CURLP_WORDS };

/* Trits of the state in its last full word and what is left of them. */
enum { LAST_WORD = STATE / 64, LAST_BITS = STATE % 64 };

/* Makes the bits from 729 on repeat the first, after the first have changed. */
static void repeat(uint64_t *plane) {
    plane[LAST_WORD] =
        (plane[LAST_WORD] & ((UINT64_C(1) << LAST_BITS) - 1)) | plane[0] << LAST_BITS;
    for (int word = LAST_WORD + 1; word < WORDS; word++) {
        const uint64_t *first = plane + word - LAST_WORD;
        plane[word] = first[-1] >> (64 - LAST_BITS) | first[0] << LAST_BITS;
    }
}

void curlp_permute(curlp_state *state, unsigned rounds) {
    /* What the CPU can do does not change: whoever comes first looks it up for all. */
    static _Atomic(const lanes_path *) best;
    const lanes_path *path = atomic_load_explicit(&best, memory_order_relaxed);
    if (path == NULL) {
        path = lanes_path_for(curlp_best_path(), 1);
        atomic_store_explicit(&best, path, memory_order_relaxed);
    }
    path->permute(state, rounds);
}

void curlp_state_set_rate(curlp_state *state, const curlp_block *rate) {
    const uint64_t last = ~(~UINT64_C(0) << RATE % 64);
    memcpy(state->low, rate->low, 3 * sizeof(uint64_t));
    memcpy(state->high, rate->high, 3 * sizeof(uint64_t));
    state->low[3] = (state->low[3] & ~last) | (rate->low[3] & last);
    state->high[3] = (state->high[3] & ~last) | (rate->high[3] & last);
    repeat(state->low);
    repeat(state->high);
}

void curlp_reset(curlp_state *state) {
    memset(state, 0xFF, sizeof *state);
}

/* Eight trits as bytes, the first lowest; compilers make one load of it. */
static inline uint64_t eight_bytes(const int8_t *trits) {
    uint64_t bytes = 0;
    for (int index = 0; index < 8; index++) bytes |= (uint64_t)(uint8_t)trits[index] << 8 * index;
    return bytes;
}

/* The lowest bits of eight bytes side by side: the product moves bit 8 i to bit 56 + i. */
static inline uint64_t lowest_bits(uint64_t bytes) {
    return (bytes & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56;
}

/* Sets the lowest `bits` bits, 1...64, of both words from as many trits. */
static void pack(uint64_t *low_word, uint64_t *high_word, const int8_t *trits, size_t bits) {
    uint64_t nonzero = 0, negative = 0;
    size_t bit = 0;
    for (; bit + 8 <= bits; bit += 8) {
        uint64_t bytes = eight_bytes(trits + bit);
        nonzero |= lowest_bits(bytes) << bit;
        negative |= lowest_bits(bytes >> 7) << bit;
    }
    for (; bit < bits; bit++) {
        nonzero |= (uint64_t)(trits[bit] & 1) << bit;
        negative |= (uint64_t)(trits[bit] < 0) << bit;
    }
    uint64_t set = bits < 64 ? ~(~UINT64_C(0) << bits) : ~UINT64_C(0);
    *low_word = (*low_word & ~set) | (set & (~nonzero | negative));
    *high_word = (*high_word & ~set) | (set & ~negative);
}

void curlp_load(curlp_state *state, const int8_t *trits, size_t count) {
    for (size_t word = 0; count > 0; word++) {
        size_t bits = count < 64 ? count : 64;
        pack(&state->low[word], &state->high[word], trits, bits);
        trits += bits;
        count -= bits;
    }
    repeat(state->low);
    repeat(state->high);
}

static inline void unpack(uint64_t low, uint64_t high, int8_t *trits, size_t bits) {
    for (size_t bit = 0; bit < bits; bit++) {
        trits[bit] = (int8_t)((int)(high >> bit & 1) - (int)(low >> bit & 1));
    }
}

/* The count of 64 stands there as a constant so that the compiler can use vectors. */
void curlp_read(const curlp_state *state, int8_t *trits, size_t count) {
    size_t word = 0;
    for (; count >= 64; count -= 64, trits += 64, word++) {
        unpack(state->low[word], state->high[word], trits, 64);
    }
    if (count > 0) unpack(state->low[word], state->high[word], trits, count);
}

void curlp_absorb(curlp_state *state, unsigned rounds, const int8_t *trits, size_t count) {
    while (count > 0) {
        size_t block = count < RATE ? count : RATE;
        curlp_load(state, trits, block);
        curlp_permute(state, rounds);
        trits += block;
        count -= block;
    }
}
