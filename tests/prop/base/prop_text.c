#include "cm.h"
#include "prop.h"

#include "base/diag.h"
#include "base/utf8.h"
#include "base/uuid.h"

/* Bytes that often form sequences, often broken ones. */
static size_t any_utf8(struct prop *p, uint8_t *out, size_t max)
{
	size_t n = 0;
	for (size_t k = prop_size(p, max / 4); k && n + 4 <= max; k--) {
		if (prop_below(p, 4) == 0) {
			out[n++] = (uint8_t)prop_below(p, 256);
		} else {
			static const uint32_t top[] = {0x80, 0x800, 0x10000, 0x110000};
			uint64_t width = prop_below(p, 4);
			n += (size_t)utf8_put(out + n, (uint32_t)prop_below(p, top[width]));
		}
	}
	return n;
}

/* The fast check, the decoder and the counter agree; decoded code points encode to the same bytes. */
static bool utf8_agrees(struct prop *p, void *arg)
{
	(void)arg;
	uint8_t text[200], again[4];
	struct span s = span_of(text, any_utf8(p, text, sizeof text));
	size_t at = 0, count = 0;
	while (at < s.n) {
		uint32_t cp;
		int len = utf8_next(span_sub(s, at, s.n), &cp);
		if (len <= 0)
			break;
		if (utf8_put(again, cp) != len || memcmp(again, s.p + at, (size_t)len) != 0)
			return false;
		at += (size_t)len;
		count++;
	}
	prop_note(p, "%zu bytes, valid up to %zu", s.n, at);
	return utf8_check(s) == at && utf8_valid(s) == (at == s.n) && utf8_count(s) >= count && (at < s.n || utf8_count(s) == count);
}

/* A copy for people is valid, ended, without control characters, and unchanged where the text was fine and short. */
static bool diag_copy_is_clean(struct prop *p, void *arg)
{
	(void)arg;
	uint8_t text[200];
	char out[64];
	struct span s = span_of(text, any_utf8(p, text, sizeof text));
	size_t size = 1 + prop_below(p, sizeof out);
	diag_copy(out, size, s);
	size_t n = strlen(out);
	bool plain = utf8_valid(s) && s.n < size;
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)out[i] < 0x20 || out[i] == 0x7f)
			return false;
	for (size_t i = 0; i < s.n; i++)
		plain = plain && s.p[i] >= 0x20 && s.p[i] != 0x7f && s.p[i] != 0xc2;
	return n < size && utf8_valid(span_of(out, n)) && (!plain || span_eq(span_of(out, n), s));
}

/* Every syllable, taken apart and put together, is itself; what composing gives it leaves alone. */
static bool hangul_composes(struct prop *p, void *arg)
{
	(void)arg;
	struct buf apart, whole, once, twice;
	buf_init(&apart, 0);
	buf_init(&whole, 0);
	buf_init(&once, 0);
	buf_init(&twice, 0);
	for (size_t k = prop_size(p, 20); k; k--) {
		uint32_t s = (uint32_t)prop_below(p, 11172), jamo[3] = {0x1100 + s / 588, 0x1161 + s / 28 % 21, 0x11A7 + s % 28};
		uint8_t b[4];
		for (unsigned i = 0; i < 3 - (s % 28 == 0); i++)
			buf_add(&apart, span_of(b, (size_t)utf8_put(b, jamo[i])));
		buf_add(&whole, span_of(b, (size_t)utf8_put(b, 0xAC00 + s)));
		if (prop_bool(p)) {
			buf_adds(&apart, "aㅋ-");
			buf_adds(&whole, "aㅋ-");
		}
	}
	utf8_compose_hangul(&once, buf_span(&apart));
	utf8_compose_hangul(&twice, buf_span(&once));
	bool ok = span_eq(buf_span(&once), buf_span(&whole)) && span_eq(buf_span(&twice), buf_span(&whole));
	buf_free(&apart);
	buf_free(&whole);
	buf_free(&once);
	buf_free(&twice);
	return ok;
}

static bool uuid_round_trip(struct prop *p, void *arg)
{
	(void)arg;
	uint8_t random[10];
	char text[UUID_TEXT];
	struct uuid u, back;
	prop_bytes(p, random, sizeof random);
	u = uuid_v7((int64_t)(prop_u64(p) >> 1), random);
	uuid_format(text, &u);
	prop_note(p, "%s", text);
	return strlen(text) == 36 && text[14] == '7' && strchr("89ab", text[19]) && uuid_parse(&back, span_str(text)) == 0 &&
	       uuid_eq(&u, &back);
}

#define PROPERTY(name, runs) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		assert_int_equal(prop_check(#name, name, NULL, runs), 0); \
	}
PROPERTY(utf8_agrees, 10000)
PROPERTY(diag_copy_is_clean, 10000)
PROPERTY(hangul_composes, 2000)
PROPERTY(uuid_round_trip, 2000)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_agrees),
		cmocka_unit_test(test_diag_copy_is_clean),
		cmocka_unit_test(test_hangul_composes),
		cmocka_unit_test(test_uuid_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
