#include "base/utf8.h"

#include <assert.h>

/* Hangul syllables are laid out as (L * 21 + V) * 28 + T (Unicode 15, 3.12). */
#define S_BASE 0xAC00u
#define L_BASE 0x1100u
#define V_BASE 0x1161u
#define T_BASE 0x11A7u
#define L_COUNT 19u
#define V_COUNT 21u
#define T_COUNT 28u
#define S_COUNT (L_COUNT * V_COUNT * T_COUNT)

static bool is_tail(uint8_t c) { return (c & 0xc0) == 0x80; }

int utf8_next(struct span s, uint32_t *cp)
{
	if (s.n == 0)
		return 0;
	const uint8_t *p = s.p;
	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] < 0xe0) {
		if (s.n < 2 || !is_tail(p[1]))
			return -1;
		*cp = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
		return 2;
	}
	if (p[0] >= 0xe0 && p[0] < 0xf0) {
		if (s.n < 3 || !is_tail(p[1]) || !is_tail(p[2]))
			return -1;
		uint32_t c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		if (c < 0x800 || (c >= 0xd800 && c < 0xe000))
			return -1;
		*cp = c;
		return 3;
	}
	if (p[0] >= 0xf0 && p[0] < 0xf5) {
		if (s.n < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3]))
			return -1;
		uint32_t c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
		if (c < 0x10000 || c > 0x10ffff)
			return -1;
		*cp = c;
		return 4;
	}
	return -1;
}

int utf8_put(uint8_t out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (uint8_t)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (uint8_t)(0xc0 | cp >> 6);
		out[1] = (uint8_t)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		if (cp >= 0xd800 && cp < 0xe000)
			return 0;
		out[0] = (uint8_t)(0xe0 | cp >> 12);
		out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (cp & 0x3f));
		return 3;
	}
	if (cp > 0x10ffff)
		return 0;
	out[0] = (uint8_t)(0xf0 | cp >> 18);
	out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (cp & 0x3f));
	return 4;
}

size_t utf8_check(struct span s)
{
	size_t i = 0;
	while (i < s.n) {
		/* Eight ASCII bytes at a time: nearly all text of machines. */
		uint64_t w;
		if (s.n - i >= sizeof w) {
			memcpy(&w, s.p + i, sizeof w);
			if (!(w & UINT64_C(0x8080808080808080))) {
				i += sizeof w;
				continue;
			}
		}
		uint32_t cp;
		int len = utf8_next(span_sub(s, i, 4), &cp);
		if (len < 0)
			return i;
		i += (size_t)len;
	}
	return s.n;
}

bool utf8_valid(struct span s) { return utf8_check(s) == s.n; }

size_t utf8_count(struct span s)
{
	size_t count = 0;
	for (size_t i = 0; i < s.n; count++) {
		uint32_t cp;
		int len = utf8_next(span_sub(s, i, 4), &cp);
		i += len > 0 ? (size_t)len : 1;
	}
	return count;
}

static void put(struct buf *out, uint32_t cp)
{
	uint8_t b[4];
	int n = utf8_put(b, cp);
	buf_add(out, span_of(b, (size_t)n));
}

/* Index of a conjoining vowel or final at s, below count; -1 when something else stands there. First is index `from`. */
static int jamo_at(struct span s, uint32_t base, uint32_t from, uint32_t count)
{
	uint32_t cp;
	if (utf8_next(s, &cp) != 3 || cp < base + from || cp >= base + count)
		return -1;
	return (int)(cp - base);
}

void utf8_compose_hangul(struct buf *out, struct span s)
{
	while (s.n) {
		uint32_t cp;
		int len = utf8_next(s, &cp);
		size_t step = len > 0 ? (size_t)len : 1;
		struct span rest = span_sub(s, step, s.n);
		uint32_t syllable = 0;
		if (len == 3 && cp >= L_BASE && cp < L_BASE + L_COUNT) {
			int v = jamo_at(rest, V_BASE, 0, V_COUNT);
			if (v >= 0) {
				syllable = S_BASE + ((cp - L_BASE) * V_COUNT + (uint32_t)v) * T_COUNT;
				rest = span_sub(rest, 3, rest.n);
			}
		} else if (len == 3 && cp >= S_BASE && cp < S_BASE + S_COUNT && (cp - S_BASE) % T_COUNT == 0) {
			syllable = cp;
		}
		if (syllable) {
			int t = jamo_at(rest, T_BASE, 1, T_COUNT);
			if (t > 0) {
				syllable += (uint32_t)t;
				rest = span_sub(rest, 3, rest.n);
			}
			put(out, syllable);
		} else {
			buf_add(out, span_of(s.p, step));
		}
		s = rest;
	}
}

/* Initial consonants in the order of L, as the compatibility letters people type into a search field. */
static const uint16_t initials[L_COUNT] = {0x3131, 0x3132, 0x3134, 0x3137, 0x3138, 0x3139, 0x3141, 0x3142, 0x3143, 0x3145, 0x3146,
	0x3147, 0x3148, 0x3149, 0x314A, 0x314B, 0x314C, 0x314D, 0x314E};

void utf8_initials(struct buf *out, struct span s)
{
	while (s.n) {
		uint32_t cp;
		int len = utf8_next(s, &cp);
		size_t step = len > 0 ? (size_t)len : 1;
		if (len == 3 && cp >= S_BASE && cp < S_BASE + S_COUNT)
			put(out, initials[(cp - S_BASE) / (V_COUNT * T_COUNT)]);
		else
			buf_add(out, span_of(s.p, step));
		s = span_sub(s, step, s.n);
	}
}

enum sound { SOUND_OPEN = 0, SOUND_CLOSED = 1, SOUND_RIEUL = 2 };

/* 영 일 이 삼 사 오 육 칠 팔 구 */
static const uint8_t digit_sound[10] = {1, 2, 0, 1, 0, 0, 1, 2, 2, 0};

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_upper(uint8_t c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(uint8_t c) { return c >= 'a' && c <= 'z'; }

/* s ends in a digit. */
static int number_sound(struct span s)
{
	size_t begin = s.n, zeros = 0;
	bool point = false, counting = true, other = false;
	assert(s.n && is_digit(s.p[s.n - 1]));
	while (begin > 0 && (is_digit(s.p[begin - 1]) || s.p[begin - 1] == ',' || s.p[begin - 1] == '.')) {
		uint8_t c = s.p[--begin];
		if (c == '.') {
			point = true;
		} else if (is_digit(c)) {
			counting = counting && c == '0';
			zeros += counting;
			other = other || c != '0';
		}
	}
	/* Decimals are read one by one, and so is a number of zeros only. */
	if (point || zeros == 0 || !other)
		return digit_sound[s.p[s.n - 1] - '0'];
	/* 십 백 천 만 … 억; 조 (12 to 15 zeros); 경; 해 (20 to 23) */
	return (zeros >= 12 && zeros < 16) || (zeros >= 20 && zeros < 24) ? SOUND_OPEN : SOUND_CLOSED;
}

/* Name of a Latin letter: 엘 and 알, 엠 and 엔, else a vowel. */
static int letter_sound(uint8_t c)
{
	c |= 0x20;
	if (c == 'l' || c == 'r')
		return SOUND_RIEUL;
	return c == 'm' || c == 'n' ? SOUND_CLOSED : SOUND_OPEN;
}

static bool is_vowel(uint8_t c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'; }

static bool ends(struct span w, const char *tail)
{
	size_t n = strlen(tail);
	return w.n >= n && memcmp(w.p + w.n - n, tail, n) == 0;
}

/* A lower-case English word as it is usually written in Hangul (외래어 표기법). */
static int word_sound(struct span w)
{
	static const char *const spelled[] = {"mm", "cm", "km", "kg", "mg"}; /* 밀리미터, 킬로그램 */
	for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++)
		if (span_is(w, spelled[i]))
			return spelled[i][1] == 'g' ? SOUND_CLOSED : SOUND_OPEN;
	bool vowel = false;
	for (size_t i = 0; i < w.n; i++)
		vowel = vowel || is_vowel(w.p[i]);
	uint8_t last = w.p[w.n - 1];
	if (!vowel)
		return letter_sound(last);
	if (last == 'l' || ends(w, "le"))
		return SOUND_RIEUL;
	if (last == 'm' || last == 'n' || ends(w, "ng") || ends(w, "me") || ends(w, "ne") || ends(w, "ck"))
		return SOUND_CLOSED;
	/* A stop after one short vowel closes the syllable (robot, app, web); after two vowels or a consonant it does not (sheet, disk). */
	if (last == 'p' || last == 't' || last == 'k' || last == 'c' || last == 'b')
		return w.n >= 2 && is_vowel(w.p[w.n - 2]) && !(w.n >= 3 && is_vowel(w.p[w.n - 3])) ? SOUND_CLOSED : SOUND_OPEN;
	return SOUND_OPEN;
}

/* s ends in a Latin letter. */
static int latin_sound(struct span s)
{
	size_t begin = s.n;
	bool upper = false;
	while (begin > 0 && (is_upper(s.p[begin - 1]) || is_lower(s.p[begin - 1])))
		begin--;
	struct span w = span_sub(s, begin, s.n);
	/* A capital past the first letter makes it an abbreviation (kWh, mL). */
	for (size_t i = 1; i < w.n; i++)
		upper = upper || is_upper(w.p[i]);
	if (w.n == 1 || upper)
		return letter_sound(w.p[w.n - 1]);
	uint8_t first[2];
	if (is_upper(w.p[0]) && w.n == 2) { /* "Pa", "Hz": too short to be folded with care */
		first[0] = w.p[0] | 0x20;
		first[1] = w.p[1];
		return word_sound(span_of(first, 2));
	}
	return word_sound(w);
}

int utf8_final_sound(struct span s)
{
	while (s.n) {
		uint8_t c = s.p[s.n - 1];
		if (is_digit(c))
			return number_sound(s);
		if (is_upper(c) || is_lower(c))
			return latin_sound(s);
		if (c == '%')
			return SOUND_OPEN; /* 퍼센트 */
		size_t len = 1;
		while (len < 4 && len < s.n && is_tail(s.p[s.n - len]))
			len++;
		uint32_t cp;
		if (utf8_next(span_sub(s, s.n - len, len), &cp) != (int)len) {
			s.n--;
			continue;
		}
		if (cp >= S_BASE && cp < S_BASE + S_COUNT) {
			uint32_t t = (cp - S_BASE) % T_COUNT;
			return t == 0 ? SOUND_OPEN : t == 8 ? SOUND_RIEUL : SOUND_CLOSED;
		}
		if (cp >= 0x3131 && cp <= 0x314E) /* letters by name: 기역, 리을 … */
			return cp == 0x3139 ? SOUND_RIEUL : SOUND_CLOSED;
		/* Another script's letters are unknown; signs, blanks, quotes and brackets are not spoken. */
		bool silent = cp < 0xC0 || (cp >= 0x2000 && cp < 0x2070) || (cp >= 0x3000 && cp < 0x3020) || cp == 0xFF09 || cp == 0xFF02;
		if (!silent)
			return SOUND_OPEN;
		s.n -= len;
	}
	return SOUND_OPEN;
}
