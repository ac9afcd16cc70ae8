/* Sixteen bytes at a time: which of them are this character. Vector types of
 * gcc and clang; only the step from lanes to bits asks for the processor. */
#ifndef MO_CODEC_PRIV_SCAN_H
#define MO_CODEC_PRIV_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define SCAN_BLOCK 64u /* bytes whose answers fit one uint64_t */

typedef uint8_t scan_v __attribute__((vector_size(16)));

static inline scan_v scan_load(const uint8_t *p)
{
	scan_v v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline scan_v scan_splat(uint8_t c)
{
	return (scan_v){c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c};
}
static inline scan_v scan_eq(scan_v a, scan_v b)
{
	return (scan_v)(a == b);
}
static inline scan_v scan_below(scan_v a, scan_v b)
{
	return (scan_v)(a < b);
}

/* Bit i: the top bit of byte i. */
static inline uint64_t scan_bits(scan_v v)
{
#if defined(__SSE2__)
	return (uint32_t)_mm_movemask_epi8((__m128i)v);
#else
	uint64_t bits = 0;
	for (unsigned i = 0; i < 16; i++)
		bits |= (uint64_t)(v[i] >> 7) << i;
	return bits;
#endif
}

/* Length of the run of bytes 0x01..0x7f and NUL at p, that is of ASCII. */
static inline size_t scan_ascii(const uint8_t *p, size_t n)
{
	size_t i = 0;
	for (; n - i >= SCAN_BLOCK; i += SCAN_BLOCK) {
		scan_v any = scan_load(p + i) | scan_load(p + i + 16) | scan_load(p + i + 32) | scan_load(p + i + 48);
		if (scan_bits(any))
			break;
	}
	for (; n - i >= 16; i += 16) {
		uint64_t m = scan_bits(scan_load(p + i));
		if (m)
			return i + (size_t)__builtin_ctzll(m);
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

/* Length of the run without '"', '\\', control characters and non-ASCII. */
static inline size_t scan_json_plain(const uint8_t *p, size_t n)
{
	size_t i = 0;
	for (; n - i >= 16; i += 16) {
		scan_v v = scan_load(p + i);
		uint64_t m = scan_bits(v | scan_eq(v, scan_splat('"')) | scan_eq(v, scan_splat('\\')) | scan_below(v, scan_splat(0x20)));
		if (m)
			return i + (size_t)__builtin_ctzll(m);
	}
	while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

/* Index of the first LF or CR in [from, n); n when there is none. */
static inline size_t scan_eol(const uint8_t *p, size_t from, size_t n)
{
	size_t i = from;
	for (; i < n && n - i >= 16; i += 16) {
		scan_v v = scan_load(p + i);
		uint64_t m = scan_bits(scan_eq(v, scan_splat('\n')) | scan_eq(v, scan_splat('\r')));
		if (m)
			return i + (size_t)__builtin_ctzll(m);
	}
	while (i < n && p[i] != '\n' && p[i] != '\r')
		i++;
	return i;
}

#endif
