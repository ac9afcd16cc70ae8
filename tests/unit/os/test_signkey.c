/* The known answer is RFC 7515, appendix A.3 (ES256): its key as PKCS#8, its
 * signing input, its signature. The other keys were made for this test only. */
#include "cm.h"

#include <stdlib.h>

#include "os/crypto.h"

static const char rfc_key[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
			      "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
			      "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
			      "-----END PRIVATE KEY-----\n";
static const char rfc_input[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
				"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
static const uint8_t rfc_sig[64] = {0x0e, 0xd1, 0x21, 0x53, 0x79, 0x63, 0x6c, 0x48, 0x3c, 0x2f, 0x7f, 0x15, 0x58, 0x07, 0xd4, 0x02, 0xa3,
	0xb2, 0x28, 0x03, 0x3a, 0xf9, 0x7c, 0x7e, 0x17, 0x81, 0x9a, 0xc3, 0x16, 0x9e, 0xa6, 0x65, 0xc5, 0x0a, 0x07, 0xd3, 0x8c, 0x3c, 0x70,
	0xe5, 0xd8, 0xf1, 0x2d, 0xaf, 0x08, 0x4a, 0x54, 0x80, 0xa6, 0x65, 0x90, 0xc5, 0xf2, 0x93, 0x50, 0x9a, 0x8f, 0x3f, 0x7f, 0x8a, 0x83,
	0xa3, 0x54, 0xd5};
/* Subject public key of rfc_key: SubjectPublicKeyInfo for id-ecPublicKey on prime256v1 (RFC 5480), then the point. */
static const uint8_t spki_head[27] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static const char p384_key[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBBgaOw2wQ2T8rm2/FP\n"
			       "C9qpfDeF8r8qOxLREdLunTtpWl5y2zbry/fgP+G0wsus1ZShZANiAAQELxkusHmG\n"
			       "ZsAvoembg00Cg0NTi0v4jH7MejuHlWpCVfvKNvTxVE5uFNfCp1uT+TysfVB/Bk5X\n"
			       "s3RucneMO7+ftsDdRXUZMmNkhTO7XvPQthxdzR3RKrets/cRiF7S8ug=\n"
			       "-----END PRIVATE KEY-----\n";
static const char ed25519_key[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MC4CAQAwBQYDK2VwBCIEIL63pQ+q5B0hnRJ0SP7V4OzAynbRXeYUdVulPfSOvcqw\n"
				  "-----END PRIVATE KEY-----\n";
static const char locked_key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
				 "MIHrMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAjanBC1k5VBCQIBATAM\n"
				 "BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBAgQQ/T9ai0nnaco7jlL5VR81+wSBkGJe\n"
				 "U7JdZ0MvHP8JiRT7IA+hKCR8g6uWH1hQHZFBgHQXRPeDS5KZ1Vsfuza5WvPiZjm/\n"
				 "lDcG8HXUpxlH4LlVRP+HUl3Pij69WtqDn1B7nEYl16fUZHaG4xfLlP83/MRY7dEW\n"
				 "5mIns3BU5JjfS58cg2XjDlJCZBkE6hf7YH213N2neIIaM6F2TIQLSxm8AlMLnA==\n"
				 "-----END ENCRYPTED PRIVATE KEY-----\n";
/* The private number of rfc_key beside the public point of RFC 7517, appendix A.2. */
static const char unpaired_key[] = "-----BEGIN PRIVATE KEY-----\n"
				   "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
				   "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAQwoEJM0hwpRIOKLXXJKzfnbqINnwCJ\n"
				   "OjtO7oo8Cq/sPuBLZekkVtmIi1Kzeb371R7oae8fD8ZbZllpW2zOCBcj\n"
				   "-----END PRIVATE KEY-----\n";

static struct signkey *read_rfc(void)
{
	struct signkey *k = NULL;
	assert_int_equal(signkey_read(&k, span_str(rfc_key)), 0);
	return k;
}

static void the_rfc_signature_verifies(void **state)
{
	struct signkey *k = read_rfc();
	uint8_t sig[64];
	(void)state;
	assert_int_equal(signkey_verify(k, rfc_sig, span_str(rfc_input)), 0);
	assert_int_equal(signkey_sign(k, sig, span_str(rfc_input)), 0);
	assert_int_equal(signkey_verify(k, sig, span_str(rfc_input)), 0);
	signkey_free(k);
}

static void any_changed_bit_is_seen(void **state)
{
	struct signkey *k = read_rfc();
	uint8_t sig[64];
	char text[sizeof rfc_input];
	(void)state;
	for (unsigned bit = 0; bit < 512; bit += 7) {
		memcpy(sig, rfc_sig, 64);
		sig[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(signkey_verify(k, sig, span_str(rfc_input)), MO_ECORRUPT);
	}
	memcpy(text, rfc_input, sizeof text);
	text[40] ^= 1;
	assert_int_equal(signkey_verify(k, rfc_sig, span_str(text)), MO_ECORRUPT);
	assert_int_equal(signkey_verify(k, rfc_sig, span_of(NULL, 0)), MO_ECORRUPT);
	/* Numbers out of range: zero, and all ones. */
	memset(sig, 0, 64);
	assert_int_equal(signkey_verify(k, sig, span_str(rfc_input)), MO_ECORRUPT);
	memset(sig, 0xff, 64);
	assert_int_equal(signkey_verify(k, sig, span_str(rfc_input)), MO_ECORRUPT);
	signkey_free(k);
}

static void a_key_survives_writing_and_reading(void **state)
{
	struct signkey *k = NULL, *again = NULL, *other = NULL;
	struct buf pem, der, der2;
	uint8_t sig[64];
	(void)state;
	buf_init(&pem, 0);
	buf_init(&der, 0);
	buf_init(&der2, 0);
	assert_int_equal(signkey_new(&k), 0);
	assert_int_equal(signkey_new(&other), 0);
	assert_int_equal(signkey_write(k, &pem), 0);
	assert_true(span_starts(buf_span(&pem), "-----BEGIN PRIVATE KEY-----\n"));
	assert_int_equal(signkey_read(&again, buf_span(&pem)), 0);
	assert_int_equal(signkey_sign(k, sig, SPAN_LIT("")), 0);
	assert_int_equal(signkey_verify(again, sig, SPAN_LIT("")), 0);
	assert_int_equal(signkey_verify(other, sig, SPAN_LIT("")), MO_ECORRUPT);
	assert_int_equal(signkey_public(k, &der), 0);
	assert_int_equal(signkey_public(again, &der2), 0);
	assert_true(span_eq(buf_span(&der), buf_span(&der2)));
	buf_free(&pem);
	buf_free(&der);
	buf_free(&der2);
	signkey_free(k);
	signkey_free(again);
	signkey_free(other);
	signkey_free(NULL);
}

static void written_forms_are_the_standard_ones(void **state)
{
	struct signkey *k = read_rfc();
	struct buf b;
	(void)state;
	buf_init(&b, 0);
	assert_int_equal(signkey_write(k, &b), 0);
	assert_true(span_is(buf_span(&b), rfc_key));
	buf_reset(&b);
	assert_int_equal(signkey_public(k, &b), 0);
	assert_int_equal(b.n, 91);
	assert_memory_equal(b.p, spki_head, sizeof spki_head);
	assert_memory_equal(b.p + 27, "\x7f\xcd\xce\x27", 4); /* x of the RFC */
	buf_free(&b);
	/* A buffer that is too small says so. */
	buf_init(&b, 10);
	assert_int_equal(signkey_write(k, &b), MO_ELIMIT);
	buf_reset(&b);
	assert_int_equal(signkey_public(k, &b), MO_ELIMIT);
	buf_free(&b);
	signkey_free(k);
}

static void other_files_are_refused(void **state)
{
	static const char *const bad[] = {"", "hello", "-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		p384_key, ed25519_key, locked_key, unpaired_key};
	struct signkey *k = NULL;
	char *huge = calloc(1, 70000);
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(signkey_read(&k, span_str(bad[i])), MO_EINVAL);
	for (size_t n = 0; n < sizeof rfc_key - 30; n += 9)
		assert_int_equal(signkey_read(&k, span_of(rfc_key, n)), MO_EINVAL);
	assert_non_null(huge);
	assert_int_equal(signkey_read(&k, span_of(huge, 70000)), MO_EINVAL);
	assert_null(k);
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfc_signature_verifies),
		cmocka_unit_test(any_changed_bit_is_seen),
		cmocka_unit_test(a_key_survives_writing_and_reading),
		cmocka_unit_test(written_forms_are_the_standard_ones),
		cmocka_unit_test(other_files_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
