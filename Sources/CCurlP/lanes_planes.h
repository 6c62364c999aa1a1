/*
 * From rows of trytes or t5b1 bytes, one a lane, to planes of bits and back. Included by the
 * files that define COLUMN_BYTES; the type `column` is defined before.
 *
 * A vector holds the same byte of the rows of COLUMN_BYTES lanes. For that, rows are turned
 * into columns, 16 by 16 bytes at a time. Both formats are then the same thing: a byte is a
 * number in balanced ternary, of three or five digits. Its highest digit is found by comparing
 * with half the digit's weight, which takes all lanes at once, and is subtracted before the
 * next; and what a comparison yields, gathered to one bit a lane, is a piece of a plane.
 */

#include "lanes.h"

#include <string.h>

typedef int8_t numbers __attribute__((vector_size(COLUMN_BYTES)));
typedef bool lane_bits __attribute__((ext_vector_type(COLUMN_BYTES)));
typedef uint8_t sixteen __attribute__((vector_size(16)));

enum { TILE = 16, MOST_DIGITS = CURLP_T5B1 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pieces of planes are stored as bytes");

/*
 * Turns 16 rows of 16 bytes into columns. The byte in row r and column c has the place 16 r + c;
 * interleaving the two halves of all bytes moves the topmost bit of the place to the bottom, and
 * four times that exchanges r and c.
 */
static ALWAYS_INLINE void turn(sixteen tile[TILE]) {
    for (int bit = 0; bit < 4; bit++) {
        sixteen old[TILE];
        memcpy(old, tile, sizeof old);
        for (int i = 0; i < TILE / 2; i++) {
            sixteen a = old[i], b = old[i + TILE / 2];
            tile[2 * i] = __builtin_shufflevector(
                a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            tile[2 * i + 1] = __builtin_shufflevector(
                a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
    }
}

/* Bytes `start` to `start + 16` of 16 rows from `first_row` on, zeros where a row has ended. */
static ALWAYS_INLINE void load_tile(
    sixteen tile[TILE], const lane_rows *rows, size_t first_row, size_t start
) {
    size_t there = rows->length - start;
    for (size_t i = 0; i < TILE; i++) {
        const uint8_t *bytes = rows->bytes[first_row + i] + start;
        if (there >= TILE) {
            memcpy(&tile[i], bytes, TILE);
        } else {
            tile[i] = (sixteen){0};
            memcpy(&tile[i], bytes, there);
        }
    }
}

/* A to M are 1 to 13, N to Z are -13 to -1, 9 is 0. */
static ALWAYS_INLINE numbers numbers_of_characters(numbers characters) {
    numbers place = characters - 64;
    return (place - (27 & (place > 13))) & (characters != '9');
}

/* For vectors of any width. */
#define CHARACTERS_OF(values) \
    ((values) + 64 + (27 & ((values) < 0)) - (('A' - 1 - '9') & ((values) == 0)))

static ALWAYS_INLINE size_t plane_offset(unsigned words, size_t trit, size_t lane) {
    return trit * 2 * words * sizeof(uint64_t) + lane / 8;
}

/* Splits numbers into their digits, lowest first, as the two bits of a trit. */
static ALWAYS_INLINE void split(
    numbers values, unsigned digits, lane_bits low[MOST_DIGITS], lane_bits high[MOST_DIGITS]
) {
    static const int8_t weights[MOST_DIGITS] = {1, 3, 9, 27, 81};
    for (unsigned digit = digits; digit-- > 0;) {
        int8_t weight = weights[digit], half = weight / 2;
        numbers above = values > half, below = values < (int8_t)-half;
        low[digit] = __builtin_convertvector(~above, lane_bits);
        high[digit] = __builtin_convertvector(~below, lane_bits);
        values += (above & (int8_t)-weight) + (below & weight);
    }
}

/* Writes digits `first` to `end` of numbers; the first goes to the trit `trit` of the planes. */
static ALWAYS_INLINE void store_digits(
    uint64_t *planes, unsigned words, size_t trit, size_t lane, numbers values, unsigned digits,
    unsigned first, unsigned end
) {
    lane_bits low[MOST_DIGITS], high[MOST_DIGITS];
    split(values, digits, low, high);
    unsigned char *piece = (unsigned char *)planes + plane_offset(words, trit, lane);
    for (unsigned digit = first; digit < end; digit++) {
        memcpy(piece, &low[digit], sizeof low[digit]);
        memcpy(piece + words * sizeof(uint64_t), &high[digit], sizeof high[digit]);
        piece += 2 * words * sizeof(uint64_t);
    }
}

/* Loads the digits of byte `byte` of the rows that are among the trits asked for. */
static ALWAYS_INLINE void load_digits(
    uint64_t *planes, unsigned words, size_t lane, numbers values, unsigned digits, size_t byte,
    size_t from, size_t count
) {
    size_t start = byte * digits, end = from + count;
    if (start >= from && start + digits <= end) {
        store_digits(planes, words, start - from, lane, values, digits, 0, digits);
    } else {
        unsigned first = start < from ? (unsigned)(from - start) : 0;
        unsigned last = end - start < digits ? (unsigned)(end - start) : digits;
        store_digits(planes, words, start + first - from, lane, values, digits, first, last);
    }
}

/* For words and digits that the compiler knows. */
static ALWAYS_INLINE void load_lanes(
    uint64_t *planes, unsigned words, unsigned digits, const lane_rows *rows, size_t from,
    size_t count
) {
    if (count == 0) return;
    size_t end = (from + count - 1) / digits + 1;
    for (size_t lane = 0; lane < 64 * words; lane += COLUMN_BYTES) {
        for (size_t start = from / digits; start < end; start += TILE) {
            sixteen tiles[COLUMN_BYTES / TILE][TILE];
            for (size_t part = 0; part < COLUMN_BYTES / TILE; part++) {
                load_tile(tiles[part], rows, lane + part * TILE, start);
                turn(tiles[part]);
            }
            for (size_t i = 0; i < TILE && start + i < end; i++) {
                numbers values;
                for (size_t part = 0; part < COLUMN_BYTES / TILE; part++) {
                    memcpy((unsigned char *)&values + part * TILE, &tiles[part][i], TILE);
                }
                if (digits == CURLP_TRYTES) values = numbers_of_characters(values);
                load_digits(planes, words, lane, values, digits, start + i, from, count);
            }
        }
    }
}

/* The trits of COLUMN_BYTES lanes from `lane` on as numbers. */
static ALWAYS_INLINE numbers read_trits(
    const unsigned char *planes, unsigned words, size_t trit, size_t lane
) {
    const unsigned char *piece = planes + plane_offset(words, trit, lane);
    lane_bits low, high;
    memcpy(&low, piece, sizeof low);
    memcpy(&high, piece + words * sizeof(uint64_t), sizeof high);
    return __builtin_convertvector(high, numbers) - __builtin_convertvector(low, numbers);
}

static ALWAYS_INLINE numbers read_characters(
    const unsigned char *planes, unsigned words, size_t tryte, size_t lane
) {
    numbers values = {0};
    for (size_t digit = CURLP_TRYTES; digit-- > 0;) {
        values = values + values + values
            + read_trits(planes, words, tryte * CURLP_TRYTES + digit, lane);
    }
    return CHARACTERS_OF(values);
}

static ALWAYS_INLINE void read_lanes(
    const uint64_t *planes, unsigned words, uint8_t *const *trytes, size_t length
) {
    for (size_t lane = 0; lane < 64 * words; lane += COLUMN_BYTES) {
        for (size_t start = 0; start < length; start += TILE) {
            size_t there = length - start < TILE ? length - start : TILE;
            sixteen tiles[COLUMN_BYTES / TILE][TILE] = {0};
            for (size_t i = 0; i < there; i++) {
                numbers characters =
                    read_characters((const unsigned char *)planes, words, start + i, lane);
                for (size_t part = 0; part < COLUMN_BYTES / TILE; part++) {
                    memcpy(&tiles[part][i], (unsigned char *)&characters + part * TILE, TILE);
                }
            }
            for (size_t part = 0; part < COLUMN_BYTES / TILE; part++) {
                turn(tiles[part]);
                size_t first = lane + part * TILE;
                for (size_t i = 0; i < TILE; i++) {
                    uint8_t *to = trytes[first + i];
                    if (to == NULL) continue;
                    if (there == TILE) memcpy(to + start, &tiles[part][i], TILE);
                    else memcpy(to + start, &tiles[part][i], there);
                }
            }
        }
    }
}

/* a - b, trit by trit modulo 3: what is 1 and what is -1 is told by the two operands' trits. */
#define SUBTRACT(low, high, a_low, a_high, b_low, b_high) do { \
    __typeof__(a_low) a_zero = (a_low) & (a_high), b_zero = (b_low) & (b_high); \
    (low) = ((a_low) | ~b_zero) & (~a_zero | (b_high)) & ((a_high) | (b_low)); \
    (high) = ((a_high) | ~b_zero) & (~a_zero | (b_low)) & ((a_low) | (b_high)); \
} while (0)

static ALWAYS_INLINE void take_planes(
    uint64_t *taken, uint64_t *planes, unsigned words, size_t count, bool masked,
    const uint64_t *mask
) {
    for (unsigned word = 0; word < words; word += COLUMN_BYTES / sizeof(uint64_t)) {
        column in_mask;
        memcpy(&in_mask, mask + word, sizeof in_mask);
        for (size_t trit = 0; trit < count; trit++) {
            size_t place = trit * 2 * words + word;
            column *state_low = (column *)(planes + place);
            column *state_high = (column *)(planes + place + words);
            column low = *(column *)(taken + place), high = *(column *)(taken + place + words);
            if (masked) {
                column masked_low = low, masked_high = high;
                SUBTRACT(low, high, masked_low, masked_high, *state_low, *state_high);
                *(column *)(taken + place) = low;
                *(column *)(taken + place + words) = high;
            }
            *state_low = (low & in_mask) | (*state_low & ~in_mask);
            *state_high = (high & in_mask) | (*state_high & ~in_mask);
        }
    }
}
