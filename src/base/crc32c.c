#include "base/crc32c.h"

/* A CRC table is linear over GF(2): entry i is the sum of the entries of i's
 * bits, so eight numbers make all 256. T(i) folds at compile time. */
#define BIT(i, b, v) ((i) >> (b) & 1u ? (v##u) : 0u)
#define T(i, a, b, c, d, e, f, g, h) \
	(BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^ BIT(i, 7, h))
#define T4(i, ...) T(i, __VA_ARGS__), T(i + 1u, __VA_ARGS__), T(i + 2u, __VA_ARGS__), T(i + 3u, __VA_ARGS__)
#define T16(i, ...) T4(i, __VA_ARGS__), T4(i + 4u, __VA_ARGS__), T4(i + 8u, __VA_ARGS__), T4(i + 12u, __VA_ARGS__)
#define T64(i, ...) T16(i, __VA_ARGS__), T16(i + 16u, __VA_ARGS__), T16(i + 32u, __VA_ARGS__), T16(i + 48u, __VA_ARGS__)
#define TABLE(...) {T64(0u, __VA_ARGS__), T64(64u, __VA_ARGS__), T64(128u, __VA_ARGS__), T64(192u, __VA_ARGS__)}

/* slice[k][b]: what byte b does to the register when k more bytes follow in the
 * same step; polynomial 0x1EDC6F41 reflected (slicing by eight, Kounavis and Berry 2005). */
static const uint32_t slice[8][256] = {
	TABLE(0xF26B8303, 0xE13B70F7, 0xC79A971F, 0x8AD958CF, 0x105EC76F, 0x20BD8EDE, 0x417B1DBC, 0x82F63B78),
	TABLE(0x13A29877, 0x274530EE, 0x4E8A61DC, 0x9D14C3B8, 0x3FC5F181, 0x7F8BE302, 0xFF17C604, 0xFBC3FAF9),
	TABLE(0xA541927E, 0x4F6F520D, 0x9EDEA41A, 0x38513EC5, 0x70A27D8A, 0xE144FB14, 0xC76580D9, 0x8B277743),
	TABLE(0xDD45AAB8, 0xBF672381, 0x7B2231F3, 0xF64463E6, 0xE964B13D, 0xD725148B, 0xABA65FE7, 0x52A0C93F),
	TABLE(0x38116FAC, 0x7022DF58, 0xE045BEB0, 0xC5670B91, 0x8F2261D3, 0x1BA8B557, 0x37516AAE, 0x6EA2D55C),
	TABLE(0xEF306B19, 0xDB8CA0C3, 0xB2F53777, 0x6006181F, 0xC00C303E, 0x85F4168D, 0x0E045BEB, 0x1C08B7D6),
	TABLE(0x68032CC8, 0xD0065990, 0xA5E0C5D1, 0x4E2DFD53, 0x9C5BFAA6, 0x3D5B83BD, 0x7AB7077A, 0xF56E0EF4),
	TABLE(0x493C7D27, 0x9278FA4E, 0x211D826D, 0x423B04DA, 0x847609B4, 0x0D006599, 0x1A00CB32, 0x34019664),
};

uint32_t crc32c_table(uint32_t crc, struct span s)
{
	uint32_t c = ~crc;
	const uint8_t *p = s.p;
	size_t n = s.n;
	for (; n >= 8; n -= 8, p += 8) {
		c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		c = slice[7][c & 255] ^ slice[6][c >> 8 & 255] ^ slice[5][c >> 16 & 255] ^ slice[4][c >> 24] ^ slice[3][p[4]] ^ slice[2][p[5]] ^
		    slice[1][p[6]] ^ slice[0][p[7]];
	}
	for (; n; n--)
		c = c >> 8 ^ slice[0][(c ^ *p++) & 255];
	return ~c;
}

#if defined(__x86_64__)

/* The instruction takes three cycles and one may start each cycle, so three
 * lanes run side by side; a lane's register is moved past the lanes behind it
 * by a table for LANE zero bytes. */
#define LANE ((size_t)1024)

static const uint32_t past_lane[4][256] = {
	TABLE(0xFE314258, 0xF98EF241, 0xF6F19273, 0xE80F5217, 0xD5F2D2DF, 0xAE09D34F, 0x59FFD06F, 0xB3FFA0DE),
	TABLE(0x6213374D, 0xC4266E9A, 0x8DA0ABC5, 0x1EAD217B, 0x3D5A42F6, 0x7AB485EC, 0xF5690BD8, 0xEF3E6141),
	TABLE(0xDB90B473, 0xB2CD1E17, 0x60764ADF, 0xC0EC95BE, 0x84355D8D, 0x0D86CDEB, 0x1B0D9BD6, 0x361B37AC),
	TABLE(0x6C366F58, 0xD86CDEB0, 0xB535CB91, 0x6F87E1D3, 0xDF0FC3A6, 0xBBF3F1BD, 0x720B958B, 0xE4172B16),
};

static uint64_t shift_lane(uint64_t c)
{
	return past_lane[0][c & 255] ^ past_lane[1][c >> 8 & 255] ^ past_lane[2][c >> 16 & 255] ^ past_lane[3][c >> 24 & 255];
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, struct span s)
{
	uint64_t c = ~crc;
	const uint8_t *p = s.p;
	size_t n = s.n;
	for (; n >= 3 * LANE; n -= 3 * LANE, p += 3 * LANE) {
		uint64_t c1 = 0, c2 = 0;
		for (size_t i = 0; i < LANE; i += 8) {
			c = __builtin_ia32_crc32di(c, load64(p + i));
			c1 = __builtin_ia32_crc32di(c1, load64(p + LANE + i));
			c2 = __builtin_ia32_crc32di(c2, load64(p + 2 * LANE + i));
		}
		c = shift_lane(shift_lane(c) ^ c1) ^ c2;
	}
	for (; n >= 8; n -= 8, p += 8)
		c = __builtin_ia32_crc32di(c, load64(p));
	uint32_t c32 = (uint32_t)c;
	for (; n; n--)
		c32 = __builtin_ia32_crc32qi(c32, *p++);
	return ~c32;
}

uint32_t crc32c(uint32_t crc, struct span s)
{
	/* Reads a word the runtime filled at start; cheaper than keeping a function pointer of our own. */
	return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, s) : crc32c_table(crc, s);
}

#else

uint32_t crc32c(uint32_t crc, struct span s) { return crc32c_table(crc, s); }

#endif
