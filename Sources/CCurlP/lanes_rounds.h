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
 * which keep four u, two v and one w: a load, three s-boxes and a store for each k. A fourth
 * round in front, y_k = S(u_k, u_{k-8}) with strides of 364^4 = 319, keeps nothing: its second
 * operand, u_{k-8}, is read again.
 *
 * A walk without counting: sixteen strides of 319 are one step of 1 (16 * 319 = 7 * 729 + 1).
 * So rows of sixteen k read their input at the same sixteen places, each row one place further
 * on: sixteen streams, whose distances the compiler knows. Eight strides of 91 are a step of -1.
 *
 * Less than all: in this order what new[k] depends on lies close to k, so that a part of the
 * output costs that part of the work. Of hashes only the rate is wanted, a third: see
 * lanes_permute_for_part in lanes.c.
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

/*
 * Says that a vector may have changed in memory, so that the compiler does not hold it in a
 * register: with 16 of them there is one too few, and left alone it moves several to and fro.
 */
#if defined(KEEP_IN_MEMORY)
#define IN_MEMORY(vector) __asm__("" : "+m"(vector))
#else
#define IN_MEMORY(vector) ((void)0)
#endif

/*
 * What is kept before new[k] is written: y (with three rounds u) from k + 1 to k + 4, the first
 * of them in a slot that goes round; v at k - 1 and k; w at k. High bits of y are used just once
 * more, and stand by themselves for IN_MEMORY.
 */
typedef struct {
    column y_low[4];
    trits v_before, v, w;
} kept;

/* new[k], from y_{k+5}, which takes the place of y_{k+1}, `slot`; goes on to k + 1. */
static ALWAYS_INLINE trits next_output(
    kept *kept, column y_high[4], unsigned slot, trits y
) {
    trits v = sbox((trits){kept->y_low[slot], y_high[slot]}, y);
    kept->y_low[slot] = y.low;
    y_high[slot] = y.high;
    IN_MEMORY(y_high[slot]);
    trits w = sbox(v, kept->v_before);
    trits output = sbox(kept->w, w);
    kept->v_before = kept->v;
    kept->v = v;
    kept->w = w;
    return output;
}

/* The planes of the state that is read, of `size` 64-bit words a trit, and the rounds. */
typedef struct {
    const uint64_t *planes;
    unsigned size, rounds;
} source;

static ALWAYS_INLINE trits trits_at(source old, ptrdiff_t place) {
    const uint64_t *low = old.planes + place * (ptrdiff_t)old.size;
    return (trits){*(const column *)low, *(const column *)(low + old.size / 2)};
}

static ALWAYS_INLINE void write_trits(uint64_t *planes, unsigned words, trits value) {
    *(column *)planes = value.low;
    *(column *)(planes + words) = value.high;
}

static ALWAYS_INLINE unsigned stride(source old) {
    return old.rounds == 4 ? 319 : 91;
}

/* y_k (with three rounds u_k) by the place of u_k; eight strides of 319 back are 364 on. */
static ALWAYS_INLINE trits input(source old, unsigned place) {
    trits u = trits_at(old, place);
    return old.rounds == 4 ? sbox(u, trits_at(old, (place + 364) % STATE)) : u;
}

/* What is kept before new[k]; y_{k+1} is in slot 1. */
static ALWAYS_INLINE kept keep_before(source old, unsigned k, column y_high[4]) {
    trits y[7]; /* from k - 2 to k + 4 */
    for (unsigned i = 0; i < 7; i++) {
        y[i] = input(old, (k + i + STATE - 2) * stride(old) % STATE);
    }
    kept kept;
    for (unsigned i = 0; i < 4; i++) {
        kept.y_low[(i + 1) % 4] = y[i + 3].low;
        y_high[(i + 1) % 4] = y[i + 3].high;
    }
    kept.v_before = sbox(y[1], y[5]);
    kept.v = sbox(y[2], y[6]);
    kept.w = sbox(kept.v, sbox(y[0], y[4]));
    return kept;
}

/*
 * Three or four rounds for one column of lanes, of which new[from] to new[end - 1] are written;
 * `words` 64-bit words make up a plane.
 */
static ALWAYS_INLINE void fused_rounds(
    const uint64_t *restrict planes, uint64_t *restrict new, unsigned words, unsigned rounds,
    unsigned from, unsigned end
) {
    source old = {planes, 2 * words, rounds};
    const unsigned row = rounds == 4 ? 16 : 8, size = 2 * words;
    unsigned k = from;
    column y_high[4];
    kept kept = keep_before(old, k, y_high);
    new += (size_t)k * size;

    /* Whole rows. No stream runs out: the last row would be 45, from places up to 684, and
       backwards 90, from places down to 90. */
    for (; k % row == 0 && k + row <= end; k += row, new += (size_t)row * size) {
        ptrdiff_t steps = rounds == 4 ? (ptrdiff_t)(k / row) : -(ptrdiff_t)(k / row);
#pragma clang loop unroll(full)
        for (unsigned i = 0; i < row; i++) {
            ptrdiff_t place = (i + 5) * stride(old) % STATE;
            trits y = trits_at(old, place + steps);
            if (rounds == 4) y = sbox(y, trits_at(old, (place + 364) % STATE + steps));
            write_trits(new + i * size, words, next_output(&kept, y_high, (i + 1) % 4, y));
        }
    }
    /* What is less than a row, or does not start with one. */
    unsigned place = (k + 5) * stride(old) % STATE;
#define WRITE_NEXT(slot) \
    do { \
        if (k++ >= end) return; \
        write_trits(new, words, next_output(&kept, y_high, slot, input(old, place))); \
        new += size; \
        place += stride(old); \
        place -= place >= STATE ? STATE : 0; \
    } while (0)
    while (true) {
        WRITE_NEXT(1);
        WRITE_NEXT(2);
        WRITE_NEXT(3);
        WRITE_NEXT(0);
    }
#undef WRITE_NEXT
}
