/* AES-256-GCM and HMAC-SHA-256: a published vector, and that nothing opens but by key, context and every bit. */
#include "cm.h"

#include <stdio.h>
#include <string.h>

#include "os/aead.h"

static void hex(uint8_t *to, const char *text)
{
	for (size_t i = 0; text[2 * i]; i++) {
		unsigned v = 0;
		assert_int_equal(sscanf(text + 2 * i, "%2x", &v), 1);
		to[i] = (uint8_t)v;
	}
}

/* The GCM specification (McGrew, Viega), appendix B, test case 16: 256 bit key, with associated data. */
static void test_vector(void **state)
{
	static const char key_hex[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce[] = "cafebabefacedbaddecaf888",
		plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		about_hex[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		cipher[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		tag[] = "76fc6ece0f4e1768cddf8853bb2d551b";
	uint8_t key[32], about[20], want[60], sealed[12 + 60 + 16];
	struct buf b;
	(void)state;
	hex(key, key_hex);
	hex(about, about_hex);
	hex(want, plain);
	hex(sealed, nonce);
	hex(sealed + 12, cipher);
	hex(sealed + 72, tag);
	buf_init(&b, 0);
	assert_int_equal(aead_open(&b, key, span_of(about, sizeof about), span_of(sealed, sizeof sealed)), 0);
	assert_int_equal(b.n, sizeof want);
	assert_memory_equal(b.p, want, sizeof want);
	buf_free(&b);
}

/* RFC 4231 has no 32-byte key with a short text; its test case 4's key is 25 bytes. Padded with zeros to the block, as RFC 2104 does, it is the same. */
static void test_hmac(void **state)
{
	uint8_t key[32] = {0}, data[50], want[32], got[32];
	(void)state;
	for (uint8_t i = 0; i < 25; i++)
		key[i] = (uint8_t)(i + 1);
	memset(data, 0xcd, sizeof data);
	hex(want, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
	assert_int_equal(aead_hmac(got, key, span_of(data, sizeof data)), 0);
	assert_memory_equal(got, want, sizeof want);
}

static void test_round(void **state)
{
	uint8_t key[32] = {7}, other[32] = {8};
	struct buf b, again, out;
	(void)state;
	buf_init(&b, 0);
	buf_init(&again, 0);
	buf_init(&out, 0);
	static const char *const texts[] = {"", "x", "김온달"};
	for (size_t i = 0; i < 3; i++) {
		struct span plain = span_str(texts[i]), about = SPAN_LIT("a");
		buf_reset(&b);
		buf_reset(&again);
		assert_int_equal(aead_seal(&b, key, about, plain), 0);
		assert_int_equal(aead_seal(&again, key, about, plain), 0);
		assert_int_equal(b.n, plain.n + AEAD_OVER);
		assert_memory_not_equal(b.p, again.p, b.n); /* each with a nonce of its own */
		buf_reset(&out);
		buf_adds(&out, "<");
		assert_int_equal(aead_open(&out, key, about, buf_span(&b)), 0);
		assert_true(span_eq(span_sub(buf_span(&out), 1, out.n), plain));
		size_t n = out.n;
		assert_int_equal(aead_open(&out, other, about, buf_span(&b)), MO_ECORRUPT);
		assert_int_equal(aead_open(&out, key, SPAN_LIT("b"), buf_span(&b)), MO_ECORRUPT);
		for (size_t bit = 0; bit < 8 * b.n; bit++) {
			b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(aead_open(&out, key, about, buf_span(&b)), MO_ECORRUPT);
			b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t cut = 0; cut < b.n; cut++)
			assert_int_equal(aead_open(&out, key, about, span_sub(buf_span(&b), 0, cut)), MO_ECORRUPT);
		assert_int_equal(out.n, n);
	}
	buf_free(&b);
	buf_free(&again);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vector), cmocka_unit_test(test_hmac), cmocka_unit_test(test_round)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
