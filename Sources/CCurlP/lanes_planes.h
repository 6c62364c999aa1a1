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
typedef uint8_t lane_bytes __attribute__((vector_size(COLUMN_BYTES)));
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

/*
 * A block is some whole tiles and a byte or a character more, mostly. So few are fetched, and put,
 * one by one: turning a tile for each would take longer.
 */
enum { FEW = 2 };

/* The byte `place` of the rows of COLUMN_BYTES lanes from `lane` on. */
static ALWAYS_INLINE numbers fetch_bytes(const lane_rows *rows, size_t lane, size_t place) {
    uint8_t fetched[COLUMN_BYTES];
    for (size_t i = 0; i < COLUMN_BYTES; i++) fetched[i] = rows->bytes[lane + i][place];
    numbers values;
    memcpy(&values, fetched, sizeof values);
    return values;
}

/* For words and digits that the compiler knows. */
static ALWAYS_INLINE void load_lanes(
    uint64_t *planes, unsigned words, unsigned digits, const lane_rows *rows, size_t from,
    size_t count
) {
    if (count == 0) return;
    size_t end = (from + count - 1) / digits + 1;
    for (size_t lane = 0; lane < 64 * words; lane += COLUMN_BYTES) {
        size_t start = from / digits;
        for (; start + FEW < end; start += TILE) {
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
        for (; start < end; start++) {
            numbers values = fetch_bytes(rows, lane, start);
            if (digits == CURLP_TRYTES) values = numbers_of_characters(values);
            load_digits(planes, words, lane, values, digits, start, from, count);
        }
    }
}

/* One trit of as many lanes as a column has bits, in bytes of eight lanes each. */
typedef struct {
    lane_bytes low, high;
} trit_bytes;

static ALWAYS_INLINE trit_bytes trits_in_bytes(const uint64_t *planes, unsigned words, size_t trit) {
    const uint64_t *place = planes + trit * 2 * words;
    trit_bytes trits;
    memcpy(&trits.low, place, sizeof trits.low);
    memcpy(&trits.high, place + words, sizeof trits.high);
    return trits;
}

/* The characters of three trits in the lanes that are bit `bit` of a byte. */
static ALWAYS_INLINE numbers characters_at(const trit_bytes three[CURLP_TRYTES], unsigned bit) {
    numbers values = {0};
    for (size_t digit = CURLP_TRYTES; digit-- > 0;) {
        /* A trit is its high bit less its low one. */
        lane_bytes trit = (three[digit].high >> bit & 1) - (three[digit].low >> bit & 1);
        values = values + values + values + (numbers)trit;
    }
    return CHARACTERS_OF(values);
}

/* The characters of the tryte `tryte`, of the lanes that are bit `bit` of each byte together. */
static ALWAYS_INLINE void read_characters(
    const uint64_t *planes, unsigned words, size_t tryte, numbers characters[8]
) {
    trit_bytes three[CURLP_TRYTES];
    for (size_t digit = 0; digit < CURLP_TRYTES; digit++) {
        three[digit] = trits_in_bytes(planes, words, tryte * CURLP_TRYTES + digit);
    }
#pragma clang loop unroll(full)
    for (unsigned bit = 0; bit < 8; bit++) characters[bit] = characters_at(three, bit);
}

/* Where the characters of one lane go: of those from `lane` on, bit `bit` of byte `byte`. */
static ALWAYS_INLINE uint8_t *lane_of_byte(
    uint8_t *const *trytes, size_t lane, size_t byte, unsigned bit
) {
    return trytes[lane + 8 * byte + bit];
}

/*
 * A column has eight lanes in each of its bytes. Shifted to the end of all bytes at once, every
 * eighth lane's bit stands in a byte of its own, and eight such steps are all lanes.
 */
static ALWAYS_INLINE void read_lanes(
    const uint64_t *planes, unsigned words, uint8_t *const *trytes, size_t length
) {
    enum { PARTS = COLUMN_BYTES / TILE };
    for (size_t word = 0; word < words; word += COLUMN_BYTES / sizeof(uint64_t)) {
        size_t lane = 64 * word, start = 0;
        numbers characters[8];
        for (; start + FEW < length; start += TILE) {
            size_t there = length - start < TILE ? length - start : TILE;
            sixteen tiles[8][PARTS][TILE];
            if (there < TILE) memset(tiles, 0, sizeof tiles);
            for (size_t i = 0; i < there; i++) {
                read_characters(planes + word, words, start + i, characters);
                for (unsigned bit = 0; bit < 8; bit++) {
                    for (size_t part = 0; part < PARTS; part++) {
                        memcpy(
                            &tiles[bit][part][i],
                            (unsigned char *)&characters[bit] + part * TILE, TILE);
                    }
                }
            }
            for (unsigned bit = 0; bit < 8; bit++) {
                for (size_t part = 0; part < PARTS; part++) {
                    sixteen *tile = tiles[bit][part];
                    turn(tile);
                    for (size_t i = 0; i < TILE; i++) {
                        uint8_t *to = lane_of_byte(trytes, lane, part * TILE + i, bit);
                        if (to == NULL) continue;
                        if (there == TILE) memcpy(to + start, &tile[i], TILE);
                        else memcpy(to + start, &tile[i], there);
                    }
                }
            }
        }
        for (; start < length; start++) {
            read_characters(planes + word, words, start, characters);
            for (unsigned bit = 0; bit < 8; bit++) {
                for (size_t byte = 0; byte < COLUMN_BYTES; byte++) {
                    uint8_t *to = lane_of_byte(trytes, lane, byte, bit);
                    if (to != NULL) to[start] = (uint8_t)characters[bit][byte];
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
