/* The PHC text and scrypt behind it. */
#include "cm.h"

#include <stdio.h>

#include "faultalloc.h"
#include "helper/priv/phc.h"
#include "helper/wire.h"

/* RFC 7914, section 12, third vector: "pleaseletmein", "SodiumChloride", N = 16384, r = 8, p = 1, 64 bytes; as base64. */
#define RFC_SALT "U29kaXVtQ2hsb3JpZGU"
#define RFC_HASH "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw"
#define RFC_TEXT "$scrypt$ln=14,r=8,p=1$" RFC_SALT "$" RFC_HASH

static void test_rfc(void **state)
{
	(void)state;
	bool same = false;
	assert_int_equal(password_verify(&same, SPAN_LIT(RFC_TEXT), SPAN_LIT("pleaseletmein")), 0);
	assert_true(same);
	/* Second vector, "password", "NaCl", N = 1024, r = 8, p = 16. */
	same = false;
	assert_int_equal(password_verify(&same,
	                         SPAN_LIT("$scrypt$ln=10,r=8,p=16$TmFDbA$"
	                                  "/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA"),
	                         SPAN_LIT("password")),
	        0);
	assert_true(same);
}

static void test_round(void **state)
{
	(void)state;
	struct buf a, b;
	bool same = false;
	buf_init(&a, 0);
	buf_init(&b, 0);
	assert_int_equal(password_hash(&a, SPAN_LIT("모루 비밀번호")), 0);
	assert_int_equal(password_hash(&b, SPAN_LIT("모루 비밀번호")), 0);
	assert_true(span_starts(buf_span(&a), "$scrypt$ln=15,r=8,p=1$"));
	assert_int_equal(a.n, 22 + 22 + 1 + 43);
	assert_true(a.n <= HELPER_HASH_TEXT_MAX);
	/* Salted: the same word, another text. */
	assert_false(span_eq(buf_span(&a), buf_span(&b)));
	assert_int_equal(password_verify(&same, buf_span(&a), SPAN_LIT("모루 비밀번호")), 0);
	assert_true(same);
	assert_int_equal(password_verify(&same, buf_span(&b), SPAN_LIT("모루 비밀번호 ")), 0);
	assert_false(same);
	/* A NUL does not end it, and the empty one is a password too (N = 2: "a\0b" and "", salt "salt"). */
	static const char nul[] = "$scrypt$ln=1,r=8,p=1$c2FsdA$K61aJGjrk9f5i88vG88S37VshcfKPbyJn79tBjO3xpA";
	static const char none[] = "$scrypt$ln=1,r=8,p=1$c2FsdA$GS70pa4K13UFtd6fGcLSBXVOF524T8ABCfUiQ1zJCJ8";
	assert_int_equal(password_verify(&same, span_str(nul), SPAN_LIT("a\0b")), 0);
	assert_true(same);
	assert_int_equal(password_verify(&same, span_str(nul), SPAN_LIT("a\0c")), 0);
	assert_false(same);
	assert_int_equal(password_verify(&same, span_str(none), SPAN_LIT("")), 0);
	assert_true(same);
	buf_free(&a);
	buf_free(&b);
}

static void test_bad_texts(void **state)
{
	(void)state;
	static const char *const rows[] = {
	        "",
	        "$",
	        "$scrypt$",
	        "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
	        "$scrypt$ln=0,r=8,p=1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=21,r=8,p=1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=99999999999,r=8,p=1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=014,r=8,p=1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=14,r=0,p=1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=14,r=33,p=1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=14,r=8,p=17$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=14,r=8,p=-1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=14,r=8$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$r=8,ln=14,p=1$" RFC_SALT "$" RFC_HASH,
	        "$scrypt$ln=14,r=8,p=1$$" RFC_HASH,
	        "$scrypt$ln=14,r=8,p=1$" RFC_SALT,
	        "$scrypt$ln=14,r=8,p=1$" RFC_SALT "$",
	        "$scrypt$ln=14,r=8,p=1$" RFC_SALT "$AAAA",
	        "$scrypt$ln=14,r=8,p=1$" RFC_SALT "$" RFC_HASH "$",
	        "$scrypt$ln=14,r=8,p=1$" RFC_SALT "$" RFC_HASH "==",
	        "$scrypt$ln=14,r=8,p=1$" RFC_SALT "$" RFC_HASH "AAAA",
	        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZG-$" RFC_HASH, /* the other alphabet */
	        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGV$" RFC_HASH, /* bits that nobody wrote */
	        "$scrypt$ln=14,r=8,p=1$U29ka$" RFC_HASH,               /* a character over */
	        " " RFC_TEXT,
	        RFC_TEXT " ",
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct phc p;
		bool same = true;
		if (phc_parse(&p, span_str(rows[i])) != MO_EINVAL)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(password_verify(&same, span_str(rows[i]), SPAN_LIT("x")), MO_EINVAL);
		assert_true(same); /* untouched */
	}
}

static void test_text_round(void **state)
{
	(void)state;
	/* RFC 4648, 10: "f", "fo", "foo" ... as salts. */
	static const struct {
		const char *raw, *b64;
	} rows[] = {{"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
	struct buf b;
	buf_init(&b, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[200];
		struct phc p;
		(void)snprintf(text, sizeof text, "$scrypt$ln=20,r=32,p=16$%s$%s", rows[i].b64, RFC_HASH);
		assert_int_equal(phc_parse(&p, span_str(text)), 0);
		assert_int_equal(p.ln, 20);
		assert_int_equal(p.r, 32);
		assert_int_equal(p.p, 16);
		assert_int_equal(p.salt_n, strlen(rows[i].raw));
		assert_memory_equal(p.salt, rows[i].raw, p.salt_n);
		assert_int_equal(p.hash_n, 64);
		buf_reset(&b);
		phc_write(&b, &p);
		assert_true(span_is(buf_span(&b), text));
	}
	buf_free(&b);
}

static void test_limits(void **state)
{
	(void)state;
	static uint8_t big[HELPER_PASSWORD_MAX + 1];
	struct buf b;
	bool same;
	buf_init(&b, 0);
	assert_int_equal(password_hash(&b, span_of(big, sizeof big)), MO_ELIMIT);
	assert_int_equal(password_verify(&same, SPAN_LIT(RFC_TEXT), span_of(big, sizeof big)), MO_ELIMIT);
	assert_int_equal(password_verify(&same, span_of(big, HELPER_HASH_TEXT_MAX + 1), SPAN_LIT("x")), MO_ELIMIT);
	assert_int_equal(b.n, 0);
	buf_free(&b);
}

static void test_memory(void **state)
{
	(void)state;
	uint64_t nth = 0;
	int fired;
	do {
		struct buf b;
		buf_init(&b, 0);
		faultalloc_arm(++nth);
		int err = password_hash(&b, SPAN_LIT("x"));
		fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_int_equal(err, fired ? MO_ENOMEM : 0);
		buf_free(&b);
	} while (fired);
	assert_true(nth > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rfc), cmocka_unit_test(test_round), cmocka_unit_test(test_bad_texts),
	        cmocka_unit_test(test_text_round), cmocka_unit_test(test_limits), cmocka_unit_test(test_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
