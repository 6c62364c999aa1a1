/*
 * Curl-P on one state. Included by the files that define COLUMN_BYTES, after lanes_rounds.h.
 *
 * The round is new[i] = S(old[p(i)], old[p(i + 1)]) with p(i) = 364 i modulo 729. Moving trits
 * to their places p(i) one at a time is what makes plain implementations slow. Here nothing
 * is moved: the state before round r is kept in an order of its own, t[j] = old[j * a], where
 * a = 1 at first and is multiplied with 1/364 in each round. In that order the round reads
 *
 *     t'[j] = S(t[j], t[j + c]),  c = 364^(r + 1) modulo 729,
 *
 * which is a rotation of the whole state by c and an s-box, on as many trits at a time as a
 * vector has bits. The state goes on repeating itself beyond its end, so that a vector can be
 * read from any place; what is computed from that repeats itself as well.
 *
 * Afterwards the trits are put back: old[i] = t[i * c] with the last round's c. As
 * 364 = -1/2 = 1/(1 - 3) modulo 729, 27 rounds give c = 1 modulo 81, so that a trit's
 * way home is a multiple of 81 that depends on i modulo 9 alone: a few masked rotations.
 */

#include "lanes.h"

#include <string.h>

/* Wider vectors would need a state that repeats itself further. */
enum { PART_BYTES = COLUMN_BYTES < 32 ? COLUMN_BYTES : 32, PART_WORDS = PART_BYTES / 8 };

typedef uint64_t part __attribute__((vector_size(PART_BYTES)));

static ALWAYS_INLINE part part_at(const uint64_t *words) {
    part result;
    memcpy(&result, words, sizeof result);
    return result;
}

/* From the bit `place` < 729; the shift in two steps, as one of 64 is undefined. */
static ALWAYS_INLINE part bits_at(const uint64_t *plane, unsigned place) {
    const uint64_t *words = plane + place / 64;
    unsigned shift = place % 64;
    return part_at(words) >> shift | part_at(words + 1) << 1 << (63 - shift);
}

/* The place of the next vector. */
static ALWAYS_INLINE unsigned next_part(unsigned place) {
    place += 64 * PART_WORDS;
    return place >= STATE ? place - STATE : place;
}

/* One round; `distance` is the c above. */
static ALWAYS_INLINE void state_round(
    const curlp_state *old, curlp_state *new, unsigned distance
) {
    unsigned place = distance;
#pragma clang loop unroll(full)
    for (int word = 0; word < CURLP_WORDS; word += PART_WORDS) {
        part low = part_at(old->low + word), high = part_at(old->high + word);
        part new_low = high ^ (~bits_at(old->low, place) & low);
        part new_high = low ^ (bits_at(old->high, place) & new_low);
        memcpy(new->low + word, &new_low, sizeof new_low);
        memcpy(new->high + word, &new_high, sizeof new_high);
        place = next_part(place);
    }
}

/*
 * Takes the trit at each i from i + distance * digits[multiple * i modulo 9], the digits being
 * 0, 1 or 2. The distance is a multiple of 81, so no trit leaves its class modulo 9.
 */
static void move_classes(
    curlp_state *state, unsigned distance, unsigned multiple, const uint8_t digits[9]
) {
    /* Bits b of a word with b = r modulo 9, for r = 0...8, are this shifted left by r. */
    const uint64_t every_ninth = UINT64_C(0x8040201008040201);
    uint64_t once = 0, twice = 0;
    for (unsigned class = 0; class < 9; class++) {
        uint64_t mask = every_ninth << class;
        unsigned digit = digits[multiple * class % 9];
        once |= digit == 1 ? mask : 0;
        twice |= digit == 2 ? mask : 0;
    }
    curlp_state old = *state;
    unsigned near = distance, far = 2 * distance;
    for (int word = 0; word < CURLP_WORDS; word += PART_WORDS) {
        uint64_t once_words[PART_WORDS], twice_words[PART_WORDS];
        for (int i = 0; i < PART_WORDS; i++) {
            once_words[i] = once;
            twice_words[i] = twice;
            /* 64 is 1 and 729 is 0 modulo 9: the next word's bits are one class further on. */
            once = once >> 1 | (once & 2) << 62;
            twice = twice >> 1 | (twice & 2) << 62;
        }
        part by_one = part_at(once_words), by_two = part_at(twice_words);
        part stay = ~(by_one | by_two);
        part low = (part_at(old.low + word) & stay) | (bits_at(old.low, near) & by_one)
            | (bits_at(old.low, far) & by_two);
        part high = (part_at(old.high + word) & stay) | (bits_at(old.high, near) & by_one)
            | (bits_at(old.high, far) & by_two);
        memcpy(state->low + word, &low, sizeof low);
        memcpy(state->high + word, &high, sizeof high);
        near = next_part(near);
        far = next_part(far);
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

static void path_permute(curlp_state *state, unsigned rounds) {
    curlp_state other;
    unsigned distance = 1, round = 0;
    for (; round + 1 < rounds; round += 2) {
        distance = distance * 364 % STATE;
        state_round(state, &other, distance);
        distance = distance * 364 % STATE;
        state_round(&other, state, distance);
    }
    if (round < rounds) {
        distance = distance * 364 % STATE;
        state_round(state, &other, distance);
        *state = other;
    }
    restore_order(state, distance);
}
