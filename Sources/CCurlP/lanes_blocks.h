/*
 * One block of one sponge: taken out of bytes, unmasked, and written as characters. Included by
 * the files that define COLUMN_BYTES, after lanes_planes.h.
 *
 * A block is eight words, so that here a sponge costs a few operations on vectors, too. Bytes
 * are split into trits as in lanes_planes.h, many bytes at once; but the bits stay with their
 * byte, which then has five (of a tryte three) of each plane. Pushed together pair by pair, they
 * become two, four and eight bytes' bits in one word.
 */

#include "lanes.h"

#include <string.h>

/* The largest numbers of bytes that a block is taken from: its first trits may be others'. */
enum { MOST_TRYTES = 82, MOST_T5B1 = 50 };

/* As many, in whole vectors of any width. */
enum { SPLIT_BYTES = 128 };

typedef uint16_t pairs __attribute__((vector_size(COLUMN_BYTES), may_alias));
typedef uint32_t fours __attribute__((vector_size(COLUMN_BYTES), may_alias));
typedef uint64_t eights __attribute__((vector_size(COLUMN_BYTES), may_alias));

/* Moves the upper half of every pair, four and eight bytes next to the lower half's bits. */
static ALWAYS_INLINE void push_together(numbers bytes, unsigned digits, uint64_t *words) {
    pairs two = (pairs)bytes;
    two = (two & (uint16_t)((1 << digits) - 1)) | (two >> 8 << digits);
    fours four = (fours)two;
    four = (four & ((UINT32_C(1) << 2 * digits) - 1)) | (four >> 16 << 2 * digits);
    eights eight = (eights)four;
    eight = (eight & ((UINT64_C(1) << 4 * digits) - 1)) | (eight >> 32 << 4 * digits);
    memcpy(words, &eight, sizeof eight);
}

/* The bits of `count` bytes' trits, those of eight bytes in a word each. */
static ALWAYS_INLINE void split_bytes(
    const uint8_t *bytes, size_t count, unsigned digits, uint64_t low[SPLIT_BYTES / 8],
    uint64_t high[SPLIT_BYTES / 8]
) {
    static const int8_t weights[MOST_DIGITS] = {1, 3, 9, 27, 81};
    for (size_t start = 0; start < count; start += COLUMN_BYTES) {
        numbers values, low_bits = {0}, high_bits = {0};
        memcpy(&values, bytes + start, sizeof values);
        if (digits == CURLP_TRYTES) values = numbers_of_characters(values);
        for (unsigned digit = digits; digit-- > 0;) {
            int8_t weight = weights[digit], half = weight / 2, bit = (int8_t)(1 << digit);
            numbers above = values > half, below = values < (int8_t)-half;
            low_bits |= ~above & bit;
            high_bits |= ~below & bit;
            if (digit > 0) values += (above & (int8_t)-weight) + (below & weight);
        }
        push_together(low_bits, digits, low + start / 8);
        push_together(high_bits, digits, high + start / 8);
    }
}

/*
 * A plane of a block as one vector. It is put into memory as it will be read: a vector that was
 * written word by word could only be read once all of that has reached the cache.
 */
typedef uint64_t plane_words __attribute__((vector_size(32)));

static ALWAYS_INLINE void set_plane(
    uint64_t plane[4], uint64_t a, uint64_t b, uint64_t c, uint64_t d
) {
    plane_words words = {a, b, c, d};
    memcpy(plane, &words, sizeof words);
}

/* 243 bits out of words that hold `held` bits each; the first `skip` of them are left out. */
static ALWAYS_INLINE void put_together(
    const uint64_t *words, unsigned held, unsigned skip, uint64_t plane[4]
) {
    uint64_t bits[5] = {0};
#pragma clang loop unroll(full)
    for (unsigned i = 0; i * held < 256; i++) {
        unsigned place = i * held;
        bits[place / 64] |= words[i] << place % 64;
        if (place % 64 + held > 64) bits[place / 64 + 1] |= words[i] >> (64 - place % 64);
    }
    set_plane(
        plane, bits[0] >> skip | bits[1] << 1 << (63 - skip),
        bits[1] >> skip | bits[2] << 1 << (63 - skip),
        bits[2] >> skip | bits[3] << 1 << (63 - skip),
        bits[3] >> skip | bits[4] << 1 << (63 - skip));
}

/* For numbers of digits that the compiler knows. */
static ALWAYS_INLINE void take_bytes(
    const curlp_run *run, size_t count, unsigned digits, curlp_block *block
) {
    size_t start = run->from / digits;
    unsigned skip = run->from % digits;
    const uint8_t *bytes = run->bytes + start;
    uint8_t copy[SPLIT_BYTES];
    /* Not beyond the end, even where what lies there would not matter. */
    if (run->length - start < SPLIT_BYTES) {
        memset(copy, 0, sizeof copy);
        memcpy(copy, bytes, (skip + count + digits - 1) / digits);
        bytes = copy;
    }
    uint64_t low[SPLIT_BYTES / 8], high[SPLIT_BYTES / 8];
    split_bytes(bytes, digits == CURLP_TRYTES ? MOST_TRYTES : MOST_T5B1, digits, low, high);
    put_together(low, 8 * digits, skip, block->low);
    put_together(high, 8 * digits, skip, block->high);
}

/* The next trits of a run, at least `count` of them, of at most 243. */
static ALWAYS_INLINE void take_block(const curlp_run *run, size_t count, curlp_block *block) {
    switch (run->format) {
    case CURLP_TRYTES: take_bytes(run, count, CURLP_TRYTES, block); return;
    case CURLP_T5B1: take_bytes(run, count, CURLP_T5B1, block); return;
    case CURLP_BLOCKS: break;
    }
    memcpy(block, run->bytes + run->from / RATE * sizeof *block, sizeof *block);
}

static ALWAYS_INLINE void subtract(curlp_block *a, const curlp_block *b) {
    plane_words a_low, a_high, b_low, b_high;
    memcpy(&a_low, a->low, sizeof a_low);
    memcpy(&a_high, a->high, sizeof a_high);
    memcpy(&b_low, b->low, sizeof b_low);
    memcpy(&b_high, b->high, sizeof b_high);
    plane_words low, high;
    SUBTRACT(low, high, a_low, a_high, b_low, b_high);
    memcpy(a->low, &low, sizeof low);
    memcpy(a->high, &high, sizeof high);
}

/* A bit for each of the first `count` trits that are in word `word`. */
static ALWAYS_INLINE uint64_t first_trits(size_t count, size_t word) {
    size_t before = word * 64;
    if (count >= before + 64) return ~UINT64_C(0);
    return count > before ? ~(~UINT64_C(0) << (count - before)) : 0;
}

/* The first `count` trits of `block`, followed by those of `rest`. */
static ALWAYS_INLINE void put_before(
    curlp_block *block, size_t count, const curlp_block *rest
) {
    for (size_t i = 0; i < 4; i++) {
        uint64_t first = first_trits(count, i);
        block->low[i] = (block->low[i] & first) | (rest->low[i] & ~first);
        block->high[i] = (block->high[i] & first) | (rest->high[i] & ~first);
    }
}

typedef uint16_t sixteen_words __attribute__((vector_size(32)));
typedef uint8_t thirty_two __attribute__((vector_size(32)));
typedef int8_t thirty_two_numbers __attribute__((vector_size(32)));

/* The 48 bits of 16 trytes, `i` * 16 trytes from the first. */
static ALWAYS_INLINE uint64_t bits_of_sixteen(const uint64_t plane[4], unsigned i) {
    unsigned word = i * 48 / 64, shift = i * 48 % 64;
    uint64_t bits = plane[word] >> shift;
    return shift > 16 && word < 3 ? bits | plane[word + 1] << (64 - shift) : bits;
}

/* What 16 trytes have of one plane: three bits each, in places of 16. */
static ALWAYS_INLINE void spread(uint64_t bits, sixteen_words *threes) {
    thirty_two all = (thirty_two)((plane_words){0} + bits);
    /* The two bytes that hold a tryte's bits are moved up until these are on top. */
    thirty_two around = __builtin_shufflevector(
        all, all, 0, 1, 0, 1, 0, 1, 1, 2, 1, 2, 1, 2, 2, 3, 2, 3, 16 + 3, 16 + 4, 16 + 3, 16 + 4,
        16 + 3, 16 + 4, 16 + 4, 16 + 5, 16 + 4, 16 + 5, 16 + 4, 16 + 5, 16 + 5, 16 + 6, 16 + 5,
        16 + 6);
    const sixteen_words up = {
        1 << 13, 1 << 10, 1 << 7, 1 << 12, 1 << 9, 1 << 6, 1 << 11, 1 << 8,
        1 << 13, 1 << 10, 1 << 7, 1 << 12, 1 << 9, 1 << 6, 1 << 11, 1 << 8,
    };
    *threes = (sixteen_words)around * up >> 13;
}

/* What 32 trytes have of one plane, in bytes; bits 0, 1 and 2 stand for 1, 3 and 9. */
static ALWAYS_INLINE void weigh(const uint64_t plane[4], unsigned i, thirty_two *values) {
    sixteen_words first, second;
    spread(bits_of_sixteen(plane, 2 * i), &first);
    spread(bits_of_sixteen(plane, 2 * i + 1), &second);
    thirty_two threes = __builtin_shufflevector(
        (thirty_two)first, (thirty_two)second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26,
        28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62);
    *values = threes + (threes >> 1 & 1) + (threes >> 2) * 5;
}

/* Writes the first `count` characters, at most 81. */
static ALWAYS_INLINE void write_trytes(
    const curlp_block *block, uint8_t *trytes, size_t count
) {
    uint8_t all[96];
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 3; i++) {
        /* A trit is its high bit less its low one. */
        thirty_two ones, minuses;
        weigh(block->high, i, &ones);
        weigh(block->low, i, &minuses);
        thirty_two_numbers values = (thirty_two_numbers)(ones - minuses);
        thirty_two_numbers characters = CHARACTERS_OF(values);
        memcpy(all + 32 * i, &characters, sizeof characters);
    }
    if (count == RATE / 3) memcpy(trytes, all, RATE / 3);
    else memcpy(trytes, all, count);
}

/* Takes in one block of the run and says where it goes; `rate` is the sponge's, if the run needs
   it, and becomes it. */
static ALWAYS_INLINE void next_block(curlp_run *run, curlp_block *rate) {
    size_t count = run->count < RATE ? run->count : RATE;
    curlp_block block;
    take_block(run, count, &block);
    if (run->masked) subtract(&block, rate);
    if (run->trytes != NULL || run->blocks != NULL) {
        curlp_block plain = block, zeros;
        memset(&zeros, 0xFF, sizeof zeros);
        if (count < RATE) put_before(&plain, count, &zeros);
        if (run->trytes != NULL) {
            write_trytes(&plain, run->trytes, (count + 2) / 3);
            run->trytes += (count + 2) / 3;
        }
        if (run->blocks != NULL) *run->blocks++ = plain;
    }
    if (count < RATE) put_before(&block, count, rate);
    *rate = block;
    run->from += count;
    run->count -= count;
}

/* The planes' view of a lane's block: words as lanes_turn.h has them. */
static ALWAYS_INLINE uint64_t *lane_words(uint64_t *blocks, unsigned words, unsigned lane) {
    return blocks + lane % 64 * words + lane / 64;
}

static ALWAYS_INLINE void next_blocks(
    curlp_run *runs, uint64_t *blocks, unsigned words, const uint64_t *except
) {
    for (unsigned lane = 0; lane < 64 * words; lane++) {
        if (runs[lane].count == 0 || (except[lane / 64] >> lane % 64 & 1) != 0) continue;
        uint64_t *place = lane_words(blocks, words, lane);
        curlp_block rate;
        size_t next = (size_t)64 * words;
        if (needs_rate(&runs[lane])) {
            set_plane(rate.low, place[0], place[next], place[2 * next], place[3 * next]);
            set_plane(
                rate.high, place[4 * next], place[5 * next], place[6 * next], place[7 * next]);
        }
        next_block(&runs[lane], &rate);
        for (size_t i = 0; i < 4; i++) {
            place[i * next] = rate.low[i];
            place[(4 + i) * next] = rate.high[i];
        }
    }
}
