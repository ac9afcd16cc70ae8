/* SHA-256: FIPS 180-4 examples (NIST, "SHA256.pdf") and the million 'a'.
 * scrypt: RFC 7914, section 12. */
#include "cm.h"

#include <stdlib.h>

#include "os/crypto.h"

static void hex(uint8_t *out, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++) {
		char two[3] = {s[2 * i], s[2 * i + 1], 0};
		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

static const struct {
	const char *text, *digest;
} sha[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void sha256_vectors(void **state)
{
	uint8_t expected[32], got[32];
	struct sha256 *h = NULL;
	(void)state;
	assert_int_equal(sha256_new(&h), 0);
	for (size_t i = 0; i < sizeof sha / sizeof *sha; i++) {
		hex(expected, 32, sha[i].digest);
		assert_int_equal(sha256_of(got, span_str(sha[i].text)), 0);
		assert_memory_equal(got, expected, 32);
		/* Byte by byte, and again with the same object. */
		for (const char *p = sha[i].text; *p; p++)
			assert_int_equal(sha256_update(h, span_of(p, 1)), 0);
		assert_int_equal(sha256_update(h, span_of(NULL, 0)), 0);
		memset(got, 0, 32);
		assert_int_equal(sha256_final(h, got), 0);
		assert_memory_equal(got, expected, 32);
	}
	char a[1000];
	memset(a, 'a', sizeof a);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(sha256_update(h, span_of(a, sizeof a)), 0);
	assert_int_equal(sha256_final(h, got), 0);
	hex(expected, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	assert_memory_equal(got, expected, 32);
	sha256_free(h);
	sha256_free(NULL);
}

static void scrypt_vectors(void **state)
{
	static const struct {
		const char *password, *salt;
		uint64_t N;
		uint32_t r, p;
		const char *key;
	} v[] = {
		{"", "", 16, 1, 1,
			"77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
			"fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
		{"password", "NaCl", 1024, 8, 16,
			"fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
			"2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
		{"pleaseletmein", "SodiumChloride", 16384, 8, 1,
			"7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
			"d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
	};
	uint8_t expected[64], got[64];
	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		hex(expected, 64, v[i].key);
		assert_int_equal(os_scrypt(got, 64, span_str(v[i].password), span_str(v[i].salt), v[i].N, v[i].r, v[i].p), 0);
		assert_memory_equal(got, expected, 64);
	}
}

static void scrypt_refuses(void **state)
{
	uint8_t out[16];
	struct span s = SPAN_LIT("x");
	(void)state;
	assert_int_equal(os_scrypt(out, 0, s, s, 16, 1, 1), MO_EINVAL);
	assert_int_equal(os_scrypt(out, 16, s, s, 0, 1, 1), MO_EINVAL);
	assert_int_equal(os_scrypt(out, 16, s, s, 1, 1, 1), MO_EINVAL);
	assert_int_equal(os_scrypt(out, 16, s, s, 15, 1, 1), MO_EINVAL);
	assert_int_equal(os_scrypt(out, 16, s, s, 16, 0, 1), MO_EINVAL);
	assert_int_equal(os_scrypt(out, 16, s, s, 16, 1, 0), MO_EINVAL);
	assert_int_equal(os_scrypt(out, 16, s, s, 16, 1u << 15, 1u << 15), MO_EINVAL);
	assert_int_equal(os_scrypt(out, 16, s, s, UINT64_C(1) << 24, 8, 1), MO_ELIMIT);
	assert_int_equal(os_scrypt(out, 16, s, s, UINT64_C(1) << 63, 1, 1), MO_ELIMIT);
	assert_int_equal(os_scrypt(out, 16, s, s, 2, 1, 1u << 29), MO_ELIMIT);
}

static void random_is_not_twice_the_same(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};
	struct uuid u, w;
	(void)state;
	assert_int_equal(os_random(a, 32), 0);
	assert_int_equal(os_random(b, 32), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(os_random(NULL, 0), 0);
	assert_int_equal(os_uuid(&u, INT64_C(1763769600000000000)), 0);
	assert_int_equal(os_uuid(&w, INT64_C(1763769600000000000)), 0);
	assert_int_equal(u.b[6] >> 4, 7);
	assert_int_equal(u.b[8] >> 6, 2);
	assert_memory_equal(u.b, w.b, 6);
	assert_false(uuid_eq(&u, &w));
}

static void equal_compares_all(void **state)
{
	uint8_t secret[4] = {1, 2, 3, 4};
	(void)state;
	assert_true(crypto_equal(SPAN_LIT("abc"), SPAN_LIT("abc")));
	assert_false(crypto_equal(SPAN_LIT("abc"), SPAN_LIT("abd")));
	assert_false(crypto_equal(SPAN_LIT("abc"), SPAN_LIT("ab")));
	assert_true(crypto_equal(span_of(NULL, 0), span_of(NULL, 0)));
	crypto_wipe(secret, sizeof secret);
	assert_memory_equal(secret, "\0\0\0\0", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(scrypt_vectors),
		cmocka_unit_test(scrypt_refuses),
		cmocka_unit_test(random_is_not_twice_the_same),
		cmocka_unit_test(equal_compares_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
