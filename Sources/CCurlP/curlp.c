#include "curlp.h"

#include <string.h>

/*
 * The round is new[i] = S(old[p(i)], old[p(i + 1)]) with p(i) = 364 i modulo 729. Moving trits
 * to their places p(i) one at a time is what makes plain implementations slow. Here nothing
 * is moved: the state before round r is kept in an order of its own, t[j] = old[j * a], where
 * a = 1 at first and is multiplied with 1/364 in each round. In that order the round reads
 *
 *     t'[j] = S(t[j], t[j + c]),  c = 364^(r + 1) modulo 729,
 *
 * which is a rotation of the whole state by c and an s-box, both 64 trits at a time.
 * Afterwards the trits are put back: old[i] = t[i * c] with the last round's c. As
 * 364 = -1/2 = 1/(1 - 3) modulo 729, 27 rounds give c = 1 modulo 81, so that a trit's
 * way home is a multiple of 81 that depends on i modulo 9 alone: a few masked rotations.
 */

enum { STATE = CURLP_STATE_TRITS, RATE = CURLP_RATE_TRITS, WORDS = CURLP_WORDS };

/* Trits of the state in its last full word and what is left of them. */
enum { LAST_WORD = STATE / 64, LAST_BITS = STATE % 64 };

/* 64 bits of a plane from `place` < 729; the shift in two steps, as one of 64 is undefined. */
static inline uint64_t bits_at(const uint64_t *plane, unsigned place) {
    unsigned word = place / 64, shift = place % 64;
    return plane[word] >> shift | plane[word + 1] << 1 << (63 - shift);
}

/* The place 64 bits further on. */
static inline unsigned next_word(unsigned place) {
    return place + 64 >= STATE ? place + 64 - STATE : place + 64;
}

/* Makes the bits from 729 on repeat the first, after the first have changed. */
static void repeat(uint64_t *plane) {
    plane[LAST_WORD] =
        (plane[LAST_WORD] & ((UINT64_C(1) << LAST_BITS) - 1)) | plane[0] << LAST_BITS;
    plane[LAST_WORD + 1] = plane[0] >> (64 - LAST_BITS) | plane[1] << LAST_BITS;
}

/* One round; `distance` is the c above. */
static inline void apply_round(const curlp_state *old, curlp_state *new, unsigned distance) {
    unsigned place = distance;
#pragma clang loop unroll(full)
    for (int word = 0; word < WORDS; word++) {
        uint64_t other_low = bits_at(old->low, place), other_high = bits_at(old->high, place);
        uint64_t low = old->high[word] ^ (~other_low & old->low[word]);
        new->low[word] = low;
        new->high[word] = old->low[word] ^ (other_high & low);
        place = next_word(place);
    }
}

/* Bits b of a word with b = r modulo 9, for r = 0...8, are this shifted left by r. */
static const uint64_t every_ninth = UINT64_C(0x8040201008040201);

/*
 * Takes the trit at each i from i + distance * digits[multiple * i modulo 9], the digits being
 * 0, 1 or 2. The distance is a multiple of 81, so no trit leaves its class modulo 9.
 */
static void move_classes(
    curlp_state *state, unsigned distance, unsigned multiple, const uint8_t digits[9]
) {
    uint64_t stay = 0, once = 0, twice = 0;
    for (unsigned class = 0; class < 9; class++) {
        uint64_t mask = every_ninth << class;
        switch (digits[multiple * class % 9]) {
        case 0: stay |= mask; break;
        case 1: once |= mask; break;
        default: twice |= mask; break;
        }
    }
    curlp_state old = *state;
    unsigned near = distance, far = 2 * distance;
    for (int word = 0; word < WORDS; word++) {
        state->low[word] = (old.low[word] & stay) | (bits_at(old.low, near) & once)
            | (bits_at(old.low, far) & twice);
        state->high[word] = (old.high[word] & stay) | (bits_at(old.high, near) & once)
            | (bits_at(old.high, far) & twice);
        near = next_word(near);
        far = next_word(far);
        /* 64 is 1 and 729 is 0 modulo 9: the next word's bits are one class further on. */
        stay = stay >> 1 | (stay & 2) << 62;
        once = once >> 1 | (once & 2) << 62;
        twice = twice >> 1 | (twice & 2) << 62;
    }
}

/* Trits from i * c to i, where c = 1 + 81 k: 81 (k i modulo 9) back, one ternary digit a step. */
static void restore_order(curlp_state *state, unsigned c) {
    static const uint8_t units[9] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    static const uint8_t threes[9] = {0, 0, 0, 1, 1, 1, 2, 2, 2};
    unsigned k = c / 81;
    move_classes(state, 243, k, threes);
    if (k % 3 != 0) move_classes(state, 81, k, units);
}

void curlp_permute(curlp_state *state, unsigned rounds) {
    curlp_state other;
    unsigned distance = 1, round = 0;
    for (; round + 1 < rounds; round += 2) {
        distance = distance * 364 % STATE;
        apply_round(state, &other, distance);
        distance = distance * 364 % STATE;
        apply_round(&other, state, distance);
    }
    if (round < rounds) {
        distance = distance * 364 % STATE;
        apply_round(state, &other, distance);
        *state = other;
    }
    restore_order(state, distance);
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

/* Sets all trits but the first 243 to 0. */
static void clear_capacity(curlp_state *state) {
    uint64_t beyond = ~UINT64_C(0) << RATE % 64;
    state->low[RATE / 64] |= beyond;
    state->high[RATE / 64] |= beyond;
    size_t rest = (WORDS - RATE / 64 - 1) * sizeof(uint64_t);
    memset(state->low + RATE / 64 + 1, 0xFF, rest);
    memset(state->high + RATE / 64 + 1, 0xFF, rest);
    repeat(state->low);
    repeat(state->high);
}

void curlp_chain(int8_t *trits, size_t times, unsigned rounds) {
    curlp_state state;
    curlp_reset(&state);
    curlp_load(&state, trits, RATE);
    for (size_t step = 0; step < times; step++) {
        if (step > 0) clear_capacity(&state);
        curlp_permute(&state, rounds);
    }
    curlp_read(&state, trits, RATE);
    curlp_wipe(&state, sizeof state);
}
