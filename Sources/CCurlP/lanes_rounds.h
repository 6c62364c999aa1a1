/*
 * Curl-P on many states at once, several rounds in one pass over memory. Included by the files
 * that define COLUMN_BYTES, the width of a vector, and are compiled for one kind of CPU each.
 *
 * Many states: trit i of every state stands in two planes of one bit a lane, so that and, xor
 * and not on whole vectors are the s-box for as many states as a vector has bits. What is left
 * of a round, moving trits about, is then only a question of which vectors to read: a round is
 *
 *     new[i] = S(old[364 i], old[364 (i + 1)]),  all places modulo 729.
 *
 * Several rounds in one pass: 256 states take 47 kB, more than the nearest cache holds, so a
 * pass for each round would wait for memory. But look at the states in another order. Walk the
 * new one in strides of b, new_k = new[b k], and the old one in strides of 364 b: then
 *
 *     new_k = S(old_k, old_{k + d})  with  364 b d = 364,  d = 1/b.
 *
 * A round reads its input in order, and a second time at a fixed distance d. So one round's
 * output can be the next one's input as it arrives, without going to memory: only d trits need
 * to be kept. And the distances are small. The last round is to write in natural order: b = 1,
 * d = 1. The round before it has b = 364, and as 364 = -1/2 modulo 729, its d is -2; the one
 * before that has b = 364^2, d = 4, the one before that d = -8. With u, the state in strides of
 * 364^3 = 91, as input, three rounds are
 *
 *     v_k = S(u_k, u_{k+4}),  w_k = S(v_k, v_{k-2}),  new[k] = S(w_k, w_{k+1}),
 *
 * which keep four u, two v and one w in registers: a load, three s-boxes and a store for each k.
 * A fourth round in front, y_k = S(u_k, u_{k-8}) with strides of 364^4 = 319, keeps nothing:
 * its second operand, u_{k-8}, is read again.
 */

#include "lanes.h"

typedef uint64_t column __attribute__((vector_size(COLUMN_BYTES), may_alias));

/* A trit of each lane of a column: -1 is (1, 0), 0 is (1, 1), 1 is (0, 1). */
typedef struct {
    column low, high;
} trits;

/* The truth table of Curl-P in that code. */
static ALWAYS_INLINE trits sbox(trits a, trits b) {
    trits result;
    result.low = a.high ^ (~b.low & a.low);
    result.high = a.low ^ (b.high & result.low);
    return result;
}

static ALWAYS_INLINE trits trits_at(const uint64_t *planes, unsigned words) {
    return (trits){*(const column *)planes, *(const column *)(planes + words)};
}

/* A walk through a state; places and stride count 64-bit words, `size` of them a state. */
typedef struct {
    const uint64_t *planes;
    unsigned words, rounds;
    size_t stride, size, place;
} walk;

static ALWAYS_INLINE size_t after(size_t place, size_t stride, size_t size) {
    return place + stride >= size ? place + stride - size : place + stride;
}

/* What the third round from the end sees: u of three rounds, y of four. */
static ALWAYS_INLINE trits next(walk *walk) {
    trits result = trits_at(walk->planes + walk->place, walk->words);
    if (walk->rounds == 4) {
        /* Eight steps of 319 back are 364 trits on. */
        size_t eight_back = after(walk->place, 364 * 2 * walk->words, walk->size);
        result = sbox(result, trits_at(walk->planes + eight_back, walk->words));
    }
    walk->place = after(walk->place, walk->stride, walk->size);
    return result;
}

/* Three or four rounds for one column of lanes; `words` 64-bit words make up a plane. */
static ALWAYS_INLINE void fused_rounds(
    const uint64_t *restrict old, uint64_t *restrict new, unsigned words, unsigned rounds
) {
    /* The walk begins two steps before 0: the first w takes the v from there. */
    size_t trit = 2 * words, stride = rounds == 4 ? 319 : 91;
    walk input = {
        .planes = old, .words = words, .rounds = rounds,
        .stride = trit * stride, .size = trit * STATE,
        .place = trit * ((STATE - 2) * stride % STATE),
    };
    trits before2 = next(&input), before1 = next(&input), u0 = next(&input);
    trits u1 = next(&input), u2 = next(&input), u3 = next(&input), u4 = next(&input);
    trits v_before = sbox(before1, u3), v = sbox(u0, u4), w = sbox(v, sbox(before2, u2));

    /* Unrolled as often as it takes for u5 to get to u1, so that nothing is really moved. */
#pragma clang loop unroll_count(4)
    for (unsigned k = 0; k < STATE; k++) {
        trits u5 = next(&input);
        trits v_after = sbox(u1, u5);
        trits w_after = sbox(v_after, v_before);
        trits output = sbox(w, w_after);
        *(column *)new = output.low;
        *(column *)(new + words) = output.high;
        new += 2 * words;
        u1 = u2, u2 = u3, u3 = u4, u4 = u5;
        v_before = v, v = v_after;
        w = w_after;
    }
}
