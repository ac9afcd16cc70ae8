#include "store/priv/pages.h"

#include <string.h>

#include "base/crc32c.h"

#define TAIL (PAGE_BYTES - PAGE_TAIL)
static const uint8_t mark[4] = {'M', 'o', 'P', 'g'}, lost[4] = {'L', 'o', 's', 't'};

static uint32_t get_u32(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t sum_of(const uint8_t *page, uint32_t number)
{
	uint8_t n[4];
	put_u32(n, number);
	return crc32c(crc32c(0, span_of(n, sizeof n)), span_of(page, PAGE_BYTES - 4));
}

bool pages_has_tails(const uint8_t *first) { return first[PAGE_TAIL_AT] == PAGE_TAIL || memcmp(first + TAIL, mark, sizeof mark) == 0; }

void pages_seal(uint8_t *page, uint32_t number)
{
	bool whole = !pages_is_lost(page);
	if (whole)
		memcpy(page + TAIL, mark, sizeof mark);
	uint32_t sum = sum_of(page, number);
	put_u32(page + PAGE_BYTES - 4, whole ? sum : ~sum);
}

bool pages_is_whole(const uint8_t *page, uint32_t number)
{
	return memcmp(page + TAIL, mark, sizeof mark) == 0 && get_u32(page + PAGE_BYTES - 4) == sum_of(page, number);
}

void pages_lose(uint8_t *page)
{
	memset(page, 0, PAGE_BYTES);
	memcpy(page + TAIL, lost, sizeof lost);
}

bool pages_is_lost(const uint8_t *page) { return memcmp(page + TAIL, lost, sizeof lost) == 0; }

static uint32_t word(const uint8_t *p, bool big)
{
	uint32_t v = get_u32(p);
	return big ? __builtin_bswap32(v) : v;
}

void pages_log_sum(uint32_t s[2], const uint8_t *p, size_t n, bool big)
{
	uint32_t a = s[0], b = s[1];
	for (size_t i = 0; i + 8 <= n; i += 8) {
		a += word(p + i, big) + b;
		b += word(p + i + 4, big) + a;
	}
	s[0] = a;
	s[1] = b;
}

/* The two words are stored big-endian whatever the sum is over. */
static bool frame_sums(const uint8_t before[8], const uint8_t *header, const uint8_t *page, bool big)
{
	uint32_t s[2] = {word(before, true), word(before + 4, true)};
	pages_log_sum(s, header, 8, big);
	pages_log_sum(s, page, PAGE_BYTES, big);
	return s[0] == word(header + 16, true) && s[1] == word(header + 20, true);
}

bool pages_frame_is_whole(const uint8_t before[8], const uint8_t header[WAL_FRAME_HEADER], const uint8_t *page)
{
	return frame_sums(before, header, page, false) || frame_sums(before, header, page, true);
}
