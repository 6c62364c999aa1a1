#include "curlp.h"

#include <string.h>

/*
 * Blocks of one sponge where speed does not matter; lanes_blocks.h has the others.
 *
 * The bits of one trit at `place`: -1 is (1, 0), 0 is (1, 1), 1 is (0, 1). The macros below
 * spell out tables that the compiler makes, so that there is nothing to set up at run time.
 */
#define TRIT(value, place) \
    ((uint64_t)((value) <= 0) << (place) | (uint64_t)((value) >= 0) << (32 + (place)))

/* A number's trits: the lowest is what is left when it is divided by 3 to the nearest. Numbers
   are raised by 121 = 11111 in ternary, which makes digits of 0, 1, 2 of trits. */
#define DIGIT(number, weight) ((((number) + 121) / (weight)) % 3 - 1)
#define THREE(number) (TRIT(DIGIT(number, 1), 0) | TRIT(DIGIT(number, 3), 1) \
    | TRIT(DIGIT(number, 9), 2))
#define FIVE(number) (THREE(number) | TRIT(DIGIT(number, 27), 3) | TRIT(DIGIT(number, 81), 4))

#define IS_FIVE(byte) ((byte) <= 121 || (byte) >= 256 - 121)
#define T5B1(byte) FIVE(!IS_FIVE(byte) ? 0 : (byte) < 128 ? (byte) : (byte) - 256)

#define IS_LETTER(byte) ((byte) >= 'A' && (byte) <= 'Z')
#define TRYTE(byte) THREE(!IS_LETTER(byte) ? 0 : (byte) <= 'M' ? (byte) - 64 : (byte) - 91)

#define FOUR_OF(macro, byte) macro(byte), macro((byte) + 1), macro((byte) + 2), macro((byte) + 3)
#define SIXTEEN_OF(macro, byte) FOUR_OF(macro, byte), FOUR_OF(macro, (byte) + 4), \
    FOUR_OF(macro, (byte) + 8), FOUR_OF(macro, (byte) + 12)
#define SIXTY_FOUR_OF(macro, byte) SIXTEEN_OF(macro, byte), SIXTEEN_OF(macro, (byte) + 16), \
    SIXTEEN_OF(macro, (byte) + 32), SIXTEEN_OF(macro, (byte) + 48)
#define ALL_OF(macro) {SIXTY_FOUR_OF(macro, 0), SIXTY_FOUR_OF(macro, 64), \
    SIXTY_FOUR_OF(macro, 128), SIXTY_FOUR_OF(macro, 192)}

static const uint64_t tryte_bits[256] = ALL_OF(TRYTE);
static const uint64_t t5b1_bits[256] = ALL_OF(T5B1);

static int8_t trit(uint64_t low, uint64_t high, unsigned bit) {
    return (int8_t)((int)(high >> bit & 1) - (int)(low >> bit & 1));
}

/* For numbers of digits that the compiler knows. */
static inline void bytes_to_trits(
    const uint8_t *bytes, const uint64_t table[256], size_t digits, int8_t *trits, size_t count
) {
    for (size_t start = 0; start < count; start += digits) {
        uint64_t bits = table[*bytes++];
        size_t there = count - start < digits ? count - start : digits;
        for (unsigned digit = 0; digit < there; digit++) {
            trits[start + digit] = trit(bits, bits >> 32, digit);
        }
    }
}

void curlp_trits(const uint8_t *bytes, curlp_format format, int8_t *trits, size_t count) {
    if (format == CURLP_TRYTES) bytes_to_trits(bytes, tryte_bits, 3, trits, count);
    else bytes_to_trits(bytes, t5b1_bits, 5, trits, count);
}

void curlp_block_trits(const curlp_block *block, size_t from, int8_t *trits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t place = from + i;
        trits[i] = trit(block->low[place / 64], block->high[place / 64], place % 64);
    }
}

/* The character of three trits, by their low bits and, eight times as heavy, their high ones. */
#define BITS_TRIT(bits, i) (((bits) >> (3 + (i)) & 1) - ((bits) >> (i) & 1))
#define BITS_VALUE(bits) \
    (BITS_TRIT(bits, 0) + 3 * BITS_TRIT(bits, 1) + 9 * BITS_TRIT(bits, 2))
#define CHARACTER(bits) \
    (BITS_VALUE(bits) == 0 ? '9' : BITS_VALUE(bits) + (BITS_VALUE(bits) > 0 ? 64 : 91))

static const uint8_t characters[64] = {SIXTY_FOUR_OF(CHARACTER, 0)};

static unsigned three_bits(const uint64_t plane[4], size_t place) {
    uint64_t bits = plane[place / 64] >> place % 64;
    if (place % 64 > 61) bits |= plane[place / 64 + 1] << (64 - place % 64);
    return bits & 7;
}

void curlp_block_trytes(const curlp_block *block, uint8_t *trytes) {
    for (size_t i = 0; i < CURLP_RATE_TRITS / 3; i++) {
        trytes[i] = characters[three_bits(block->low, 3 * i) | three_bits(block->high, 3 * i) << 3];
    }
}

void curlp_block_of_trytes(const uint8_t *trytes, curlp_block *block) {
    memset(block, 0, sizeof *block);
    for (size_t i = 0; i < CURLP_RATE_TRITS / 3; i++) {
        uint64_t bits = tryte_bits[trytes[i]];
        for (size_t digit = 0; digit < 3; digit++) {
            size_t place = 3 * i + digit;
            block->low[place / 64] |= (bits >> digit & 1) << place % 64;
            block->high[place / 64] |= (bits >> (32 + digit) & 1) << place % 64;
        }
    }
}
