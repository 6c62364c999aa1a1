/*
 * From blocks of 243 trits, each a lane's own, to planes and back. Included by the files that
 * define COLUMN_BYTES; the type `column` is defined before.
 *
 * Both are bits; what is a row there is a column here. 64 by 64 bits are turned in six steps:
 * the two quarters off the diagonal change places, then those of each quarter, and so on down
 * to single bits. A vector does that for as many squares as it has words: lane 64 w + r is
 * bit r of word w in a plane, and row r of square w before it is turned.
 */

#include "lanes.h"

/* A bit of a mask is set where the place has no bit `distance`, a power of two below 64. */
static ALWAYS_INLINE uint64_t lower_half(unsigned distance) {
    return ~UINT64_C(0) / ((UINT64_C(1) << distance) + 1);
}

/* Exchanges the bits of `a` that have `distance` in their place with those of `b` that do not. */
static ALWAYS_INLINE void exchange(column *a, column *b, unsigned distance) {
    column difference = ((*a >> distance) ^ *b) & lower_half(distance);
    *b ^= difference;
    *a ^= difference << distance;
}

/* Two steps at once, of `distance` and half of it, so that rows are read half as often. */
static ALWAYS_INLINE void turn_by_two(column square[64], unsigned distance) {
    unsigned half = distance / 2;
    for (unsigned start = 0; start < 64; start += 2 * distance) {
        for (unsigned row = start; row < start + half; row++) {
            column a = square[row], b = square[row + half];
            column c = square[row + distance], d = square[row + distance + half];
            exchange(&a, &c, distance);
            exchange(&b, &d, distance);
            exchange(&a, &b, half);
            exchange(&c, &d, half);
            square[row] = a;
            square[row + half] = b;
            square[row + distance] = c;
            square[row + distance + half] = d;
        }
    }
}

static ALWAYS_INLINE void turn_square(column square[64]) {
    turn_by_two(square, 32);
    turn_by_two(square, 8);
    turn_by_two(square, 2);
}

/* Trits of a square of bits that are among the first 243. */
static ALWAYS_INLINE unsigned trits_of_square(unsigned square) {
    return square < 3 ? 64 : RATE - 3 * 64;
}

/* Whether words of a trit's low bits, or of its high ones, come first: 0 or `words`. */
static ALWAYS_INLINE void blocks_to_planes(
    const uint64_t *blocks, uint64_t *planes, unsigned words
) {
    for (unsigned word = 0; word < words; word += COLUMN_BYTES / sizeof(uint64_t)) {
        for (unsigned i = 0; i < 8; i++) {
            unsigned plane = i / 4, square = i % 4;
            column turned[64];
            const uint64_t *rows = blocks + (size_t)i * 64 * words + word;
            for (unsigned row = 0; row < 64; row++) {
                turned[row] = *(const column *)(rows + row * words);
            }
            turn_square(turned);
            uint64_t *to = planes + (size_t)(square * 64 * 2 + plane) * words + word;
            for (unsigned trit = 0; trit < trits_of_square(square); trit++) {
                *(column *)(to + trit * 2 * words) = turned[trit];
            }
        }
    }
}

static ALWAYS_INLINE void planes_to_blocks(
    const uint64_t *planes, uint64_t *blocks, unsigned words
) {
    for (unsigned word = 0; word < words; word += COLUMN_BYTES / sizeof(uint64_t)) {
        for (unsigned i = 0; i < 8; i++) {
            unsigned plane = i / 4, square = i % 4;
            column turned[64];
            const uint64_t *from = planes + (size_t)(square * 64 * 2 + plane) * words + word;
            for (unsigned trit = 0; trit < 64; trit++) {
                /* What follows the rate in the state is turned as well, and then ignored. */
                turned[trit] = *(const column *)(from + trit * 2 * words);
            }
            turn_square(turned);
            uint64_t *rows = blocks + (size_t)i * 64 * words + word;
            for (unsigned row = 0; row < 64; row++) {
                *(column *)(rows + row * words) = turned[row];
            }
        }
    }
}
