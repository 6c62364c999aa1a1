#include "sponges.h"

#include <string.h>

/* Fewer lanes than one in so many go their own way: planes are worked on whole. */
enum { FEWEST_PART = 4 };

static size_t next_count(const curlp_run *run) {
    return run->count < RATE ? run->count : RATE;
}

static bool are_alike(const curlp_run *a, const curlp_run *b) {
    return a->format == b->format && a->from % a->format == b->from % b->format
        && next_count(a) == next_count(b) && a->masked == b->masked
        && (a->trytes == NULL) == (b->trytes == NULL)
        && (a->blocks == NULL) == (b->blocks == NULL);
}

static bool can_be_alike(const curlp_run *run) {
    return run->count > 0 && run->format != CURLP_BLOCKS;
}

static unsigned count_alike(
    const curlp_run *runs, unsigned width, const curlp_run *leader, uint64_t *mask
) {
    unsigned count = 0;
    memset(mask, 0, MOST_WORDS * sizeof *mask);
    for (unsigned lane = 0; lane < width; lane++) {
        bool is_alike = can_be_alike(&runs[lane]) && are_alike(&runs[lane], leader);
        mask[lane / 64] |= (uint64_t)is_alike << lane % 64;
        count += is_alike;
    }
    return count;
}

static bool is_in(const uint64_t *mask, unsigned lane) {
    return (mask[lane / 64] >> lane % 64 & 1) != 0;
}

void alike_find(alike_runs *alike, const curlp_sponges *sponges, const curlp_run *runs) {
    unsigned width = sponges->width, found = 0, active = 0;
    const curlp_run *leader = NULL;
    memset(alike->mask, 0, sizeof alike->mask);
    for (unsigned lane = 0; lane < width; lane++) active += runs[lane].count > 0;
    /* Of a large group, one of a few lanes far apart is a member. */
    for (unsigned part = 0; part < FEWEST_PART && found < width / 2; part++) {
        const curlp_run *candidate = &runs[width / FEWEST_PART * part];
        uint64_t mask[MOST_WORDS];
        if (!can_be_alike(candidate)) continue;
        unsigned count = count_alike(runs, width, candidate, mask);
        if (count < width / FEWEST_PART || count <= found) continue;
        found = count;
        leader = candidate;
        memcpy(alike->mask, mask, sizeof mask);
    }
    alike->others = active > found;
    alike->count = leader == NULL ? 0 : next_count(leader);
    if (leader == NULL) return;
    alike->format = leader->format;
    alike->masked = leader->masked;
    alike->to_trytes = leader->trytes != NULL;
    alike->to_blocks = leader->blocks != NULL;
    alike->skip = leader->from % leader->format;
    alike->length = SIZE_MAX;
    for (unsigned lane = 0; lane < width; lane++) {
        const curlp_run *run = is_in(alike->mask, lane) ? &runs[lane] : leader;
        size_t start = run->from / run->format, length = run->length - start;
        alike->bytes[lane] = run->bytes + start;
        alike->trytes[lane] = run == &runs[lane] ? run->trytes : NULL;
        if (length < alike->length) alike->length = length;
    }
}

/* A lane's words, as lanes_turn.h has them. */
static void store_block(
    const uint64_t *blocks, unsigned words, unsigned lane, curlp_block *block
) {
    const uint64_t *from = blocks + lane % 64 * words + lane / 64;
    for (size_t i = 0; i < 4; i++) {
        block->low[i] = from[i * 64 * words];
        block->high[i] = from[(4 + i) * 64 * words];
    }
}

/* Trits from `count` to `end` become zero. */
static void clear_trits(uint64_t *planes, unsigned words, size_t count, size_t end) {
    if (count >= end) return;
    memset(planes + count * 2 * words, 0xFF, (end - count) * 2 * words * sizeof *planes);
}

void alike_take(alike_runs *alike, curlp_sponges *sponges, curlp_run *runs) {
    size_t count = alike->count;
    unsigned width = sponges->width, words = sponges->lanes.words;
    const lanes_path *path = sponges->path;
    uint64_t *taken = sponges->fresh;
    lane_rows rows = {alike->bytes, alike->length, alike->format};
    path->load(taken, words, &rows, alike->skip, count);
    path->take(taken, sponges->lanes.planes, words, count, alike->masked, alike->mask);
    size_t characters = (count + 2) / 3, end = alike->skip + count;
    if (alike->to_trytes || alike->to_blocks) clear_trits(taken, words, count, RATE);
    if (alike->to_trytes) path->read(taken, words, alike->trytes, characters);
    if (alike->to_blocks) path->to_blocks(taken, sponges->rates, words);
    for (unsigned lane = 0; lane < width; lane++) {
        alike->bytes[lane] += end / alike->format;
        if (!is_in(alike->mask, lane)) continue;
        curlp_run *run = &runs[lane];
        run->from += count;
        run->count -= count;
        if (alike->to_trytes) run->trytes = alike->trytes[lane] += characters;
        if (alike->to_blocks) store_block(sponges->rates, words, lane, run->blocks++);
    }
    alike->length -= end / alike->format;
    alike->skip = end % alike->format;
}
