/* Certificates of our own, judged by OpenSSL's verifier as any client would; reading what others give. */
#include "cm.h"

#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "os/crypto.h"
#include "os/pki.h"

#define NOW (INT64_C(1795000000) * NS_PER_S) /* 2026-11-18 */

struct made {
	struct buf ca_key, ca, key, crt;
	struct pki_names names;
};

static struct made m;

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof m);
	if (pki_names_add_list(&m.names, SPAN_LIT("localhost, 127.0.0.1 ::1,moru.factory.example 192.168.0.10")) != 0)
		return 1;
	return pki_ca_new(&m.ca_key, &m.ca, SPAN_LIT("우리 공장 (a1b2c3d4e5f6)"), NOW) ||
	       pki_server_new(&m.key, &m.crt, buf_span(&m.ca_key), buf_span(&m.ca), &m.names, NOW);
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&m.ca_key);
	buf_free(&m.ca);
	buf_free(&m.key);
	buf_free(&m.crt);
	return 0;
}

static X509 *x509(const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->p, (int)pem->n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(x);
	return x;
}

/* X509_V_OK, or why a TLS client would not believe crt at that time under that name. */
static int verify(const struct buf *crt, const struct buf *ca, const char *name, int64_t t_ns)
{
	X509 *x = x509(crt), *a = x509(ca);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	assert_int_equal(X509_STORE_add_cert(store, a), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, x, NULL), 1);
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(p, 2);
	X509_VERIFY_PARAM_set_time(p, (time_t)(t_ns / NS_PER_S));
	if (X509_VERIFY_PARAM_set1_ip_asc(p, name) != 1)
		assert_int_equal(X509_VERIFY_PARAM_set1_host(p, name, 0), 1);
	int r = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(x);
	X509_free(a);
	ERR_clear_error();
	return r;
}

static void a_client_believes_it(void **state)
{
	static const char *const ours[] = {"localhost", "127.0.0.1", "::1", "moru.factory.example", "192.168.0.10"};
	(void)state;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		assert_int_equal(verify(&m.crt, &m.ca, ours[i], NOW), X509_V_OK);
	assert_int_equal(verify(&m.crt, &m.ca, "other.example", NOW), X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(verify(&m.crt, &m.ca, "192.168.0.11", NOW), X509_V_ERR_IP_ADDRESS_MISMATCH);
	/* A clock that lags by a day still takes it; one that lags more, or the day after the last, does not. */
	assert_int_equal(verify(&m.crt, &m.ca, "localhost", NOW - NS_PER_DAY), X509_V_OK);
	assert_int_equal(verify(&m.crt, &m.ca, "localhost", NOW - NS_PER_DAY - NS_PER_S), X509_V_ERR_CERT_NOT_YET_VALID);
	assert_int_equal(verify(&m.crt, &m.ca, "localhost", NOW + 396 * NS_PER_DAY - NS_PER_S), X509_V_OK);
	assert_int_equal(verify(&m.crt, &m.ca, "localhost", NOW + 396 * NS_PER_DAY + NS_PER_S), X509_V_ERR_CERT_HAS_EXPIRED);
	/* Nobody else's. */
	struct buf other_key, other;
	buf_init(&other_key, 0);
	buf_init(&other, 0);
	assert_int_equal(pki_ca_new(&other_key, &other, SPAN_LIT("우리 공장 (a1b2c3d4e5f6)"), NOW), 0);
	assert_int_not_equal(verify(&m.crt, &other, "localhost", NOW), X509_V_OK);
	assert_int_equal(pki_signed_by(buf_span(&m.crt), buf_span(&m.ca)), 0);
	assert_int_equal(pki_signed_by(buf_span(&m.crt), buf_span(&other)), MO_EINVAL); /* of the same name, too */
	assert_int_equal(pki_signed_by(buf_span(&m.crt), buf_span(&m.crt)), MO_EINVAL);
	assert_int_equal(pki_signed_by(SPAN_LIT("x"), buf_span(&m.ca)), MO_EINVAL);
	/* A key of another CA signs nothing in this one's name; a server signs nothing at all. */
	struct buf k, c;
	buf_init(&k, 0);
	buf_init(&c, 0);
	assert_int_equal(pki_server_new(&k, &c, buf_span(&other_key), buf_span(&m.ca), &m.names, NOW), MO_EINVAL);
	assert_int_equal(pki_server_new(&k, &c, buf_span(&m.key), buf_span(&m.crt), &m.names, NOW), MO_EINVAL);
	assert_int_equal(pki_server_new(&k, &c, SPAN_LIT(""), buf_span(&m.ca), &m.names, NOW), MO_EINVAL);
	struct pki_names none = {0};
	assert_int_equal(pki_server_new(&k, &c, buf_span(&m.ca_key), buf_span(&m.ca), &none, NOW), MO_EINVAL);
	assert_int_equal(k.n + c.n, 0);
	buf_free(&k);
	buf_free(&c);
	buf_free(&other_key);
	buf_free(&other);
}

static void what_they_may_be_used_for(void **state)
{
	X509 *x = x509(&m.crt), *a = x509(&m.ca);
	(void)state;
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	assert_int_equal(X509_check_ca(a), 1);
	assert_int_equal(X509_check_ca(x), 0);
	assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_key_usage(a), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER);
	assert_int_equal(X509_get_pathlen(a), 0);
	assert_int_equal(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);
	assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0), 0);
	/* Serial numbers are random, positive, of one length. */
	const ASN1_INTEGER *s = X509_get0_serialNumber(x);
	assert_int_equal(ASN1_STRING_length(s), 16);
	assert_true((ASN1_STRING_get0_data(s)[0] & 0xc0) == 0x40);
	assert_int_not_equal(ASN1_INTEGER_cmp(s, X509_get0_serialNumber(a)), 0);
	assert_null(X509_get0_pubkey(x) == NULL ? "no key" : NULL);
	char group[32];
	size_t n;
	assert_int_equal(EVP_PKEY_get_group_name(X509_get0_pubkey(x), group, sizeof group, &n), 1);
	assert_string_equal(group, "prime256v1");
	X509_free(x);
	X509_free(a);
}

static void info(void **state)
{
	static struct pki_info i;
	struct diag d = {0};
	uint8_t sha[32];
	unsigned char *der = NULL;
	(void)state;
	assert_int_equal(pki_cert_info(&i, buf_span(&m.crt), 0, "server.crt", &d), 0);
	assert_true(i.not_after_ns - i.not_before_ns == 397 * NS_PER_DAY && i.not_before_ns == NOW - NS_PER_DAY);
	assert_true(pki_names_equal(&i.names, &m.names));
	assert_string_equal(i.subject, "CN=moru.factory.example");
	assert_string_equal(i.issuer, "CN=우리 공장 (a1b2c3d4e5f6)");
	assert_false(i.ca);
	assert_int_equal(i.in_chain, 1);
	X509 *x = x509(&m.crt);
	int n = i2d_X509(x, &der);
	assert_int_equal(sha256_of(sha, span_of(der, (size_t)n)), 0);
	assert_memory_equal(sha, i.sha256, 32);
	OPENSSL_free(der);
	X509_free(x);
	assert_int_equal(pki_cert_info(&i, buf_span(&m.ca), 0, "ca.crt", &d), 0);
	assert_true(i.ca);
	assert_true(i.not_after_ns - i.not_before_ns == 7305 * NS_PER_DAY);
	/* A chain. */
	struct buf chain;
	buf_init(&chain, 0);
	buf_adds(&chain, "# how it came\n");
	buf_add(&chain, buf_span(&m.crt));
	buf_add(&chain, buf_span(&m.ca));
	assert_int_equal(pki_cert_info(&i, buf_span(&chain), 1, "chain", &d), 0);
	assert_true(i.ca);
	assert_int_equal(i.in_chain, 2);
	assert_int_equal(pki_cert_info(&i, buf_span(&chain), 2, "chain", &d), MO_ENOENT);
	/* Its time, to the second. */
	assert_int_equal(pki_cert_info(&i, buf_span(&m.crt), 0, "server.crt", &d), 0);
	assert_int_equal(pki_valid_at(&i, i.not_before_ns, "f", &d), 0);
	assert_int_equal(pki_valid_at(&i, i.not_after_ns, "f", &d), 0);
	assert_int_equal(pki_valid_at(&i, i.not_after_ns + 1, "f.crt", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_EXPIRED);
	assert_string_equal(d.file, "f.crt");
	assert_non_null(strstr(d.arg[0].text, "2027-12-"));
	assert_int_equal(pki_valid_at(&i, i.not_before_ns - 1, "f.crt", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_NOT_YET);
	buf_free(&chain);
}

/* A CA at the end of its life signs nothing that outlasts it. */
static void no_longer_than_its_ca(void **state)
{
	static struct pki_info i, a;
	struct buf k, c;
	(void)state;
	buf_init(&k, 0);
	buf_init(&c, 0);
	assert_int_equal(pki_cert_info(&a, buf_span(&m.ca), 0, "ca.crt", NULL), 0);
	assert_int_equal(pki_server_new(&k, &c, buf_span(&m.ca_key), buf_span(&m.ca), &m.names, a.not_after_ns - 10 * NS_PER_DAY), 0);
	assert_int_equal(pki_cert_info(&i, buf_span(&c), 0, "c", NULL), 0);
	assert_true(i.not_after_ns == a.not_after_ns);
	buf_free(&k);
	buf_free(&c);
}

static void names(void **state)
{
	static const char *const good[] = {"a", "localhost", "a.b-c.example", "1a", "x1.2y", "xn--9n2bp8q", "10.0.0.1", "::1", "FE80::1", "Factory-PC"};
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b.c", "a_b", "*.a.example", "a b", "10.0.0.256", "1.2.3", "공장", "a:1", "[::1]", "12345",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"};
	struct pki_names n = {0}, other = {0};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (pki_names_add(&n, span_str(good[i])) != 0 || n.n != i + 1)
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (pki_names_add(&n, span_str(bad[i])) != MO_EINVAL)
			fail_msg("%s", bad[i]);
	assert_int_equal(pki_names_add(&n, span_of("a\0b", 3)), MO_EINVAL);
	assert_int_equal(pki_names_add(&n, SPAN_LIT("LOCALHOST")), 0);
	assert_int_equal(pki_names_add(&n, SPAN_LIT("fe80:0::1")), 0);
	assert_int_equal(n.n, sizeof good / sizeof *good);
	assert_true(pki_names_have(&n, SPAN_LIT("factory-pc")) && pki_names_have(&n, SPAN_LIT("0::1")) && !pki_names_have(&n, SPAN_LIT("b")) &&
		    !pki_names_have(&n, SPAN_LIT("a b")));
	assert_int_equal(pki_names_add_list(&other, SPAN_LIT(" , ,b,\ta b, ")), 0);
	assert_int_equal(other.n, 2);
	assert_int_equal(pki_names_add_list(&other, SPAN_LIT("c, d_, e")), MO_EINVAL);
	assert_int_equal(other.n, 3);
	struct pki_names x = {0}, y = {0};
	assert_int_equal(pki_names_add_list(&x, SPAN_LIT("a b")), 0);
	assert_int_equal(pki_names_add_list(&y, SPAN_LIT("b,A")), 0);
	assert_true(pki_names_equal(&x, &y));
	assert_int_equal(pki_names_add(&y, SPAN_LIT("c")), 0);
	assert_false(pki_names_equal(&x, &y));
	assert_int_equal(pki_names_add(&x, SPAN_LIT("d")), 0);
	assert_false(pki_names_equal(&x, &y));
	while (x.n < PKI_NAMES_MAX) {
		char text[16];
		snprintf(text, sizeof text, "n%zu", x.n);
		assert_int_equal(pki_names_add(&x, span_str(text)), 0);
	}
	assert_int_equal(pki_names_add(&x, SPAN_LIT("more")), MO_ELIMIT);
	assert_int_equal(pki_names_add(&x, SPAN_LIT("a")), 0);
}

static void refuse_info(struct span pem, int err, enum mo_msg msg)
{
	static struct pki_info i;
	struct diag d = {0};
	assert_int_equal(pki_cert_info(&i, pem, 0, "given.crt", &d), err);
	assert_int_equal(d.msg, msg);
	assert_string_equal(d.file, "given.crt");
	assert_string_equal(d.expected, "-----BEGIN CERTIFICATE-----");
	assert_int_equal(ERR_peek_error(), 0);
}

static void refuse_key(struct span key, struct span crt, int err, enum mo_msg msg, const char *file)
{
	struct diag d = {0};
	assert_int_equal(pki_key_fits(key, "given.key", crt, "given.crt", &d), err);
	assert_int_equal(d.msg, msg);
	assert_string_equal(d.file, file);
	assert_int_equal(ERR_peek_error(), 0);
}

static void bad_pem_is_named(void **state)
{
	struct buf b;
	struct diag d = {0};
	(void)state;
	buf_init(&b, 0);
	refuse_info(SPAN_LIT(""), MO_EINVAL, MSG_PKI_NO_CERTIFICATE);
	refuse_info(SPAN_LIT("hello\n"), MO_EINVAL, MSG_PKI_NO_CERTIFICATE);
	refuse_info(buf_span(&m.key), MO_EINVAL, MSG_PKI_NO_CERTIFICATE);
	refuse_info(span_sub(buf_span(&m.crt), 0, m.crt.n / 2), MO_EINVAL, MSG_PKI_NO_CERTIFICATE);
	buf_add(&b, buf_span(&m.crt));
	b.p[b.n / 2] = '!';
	refuse_info(buf_span(&b), MO_EINVAL, MSG_PKI_NO_CERTIFICATE);
	/* A good one first does not hide a broken one behind it. */
	buf_reset(&b);
	buf_add(&b, buf_span(&m.crt));
	buf_add(&b, span_sub(buf_span(&m.ca), 0, m.ca.n - 40));
	refuse_info(buf_span(&b), MO_EINVAL, MSG_PKI_NO_CERTIFICATE);
	buf_reset(&b);
	for (unsigned i = 0; i <= PKI_CHAIN_MAX; i++)
		buf_add(&b, buf_span(&m.crt));
	refuse_info(buf_span(&b), MO_ELIMIT, MSG_PKI_TOO_LONG);
	buf_reset(&b);
	while (b.n <= PKI_PEM_MAX_BYTES)
		buf_adds(&b, "nothing of it is PEM, but it is long\n");
	refuse_info(buf_span(&b), MO_ELIMIT, MSG_PKI_TOO_LONG);
	refuse_key(buf_span(&b), buf_span(&m.crt), MO_ELIMIT, MSG_PKI_TOO_LONG, "given.key");
	/* Keys. */
	assert_int_equal(pki_key_fits(buf_span(&m.key), "k", buf_span(&m.crt), "c", &d), 0);
	refuse_key(buf_span(&m.ca_key), buf_span(&m.crt), MO_EINVAL, MSG_PKI_KEY_OTHER, "given.key");
	refuse_key(buf_span(&m.crt), buf_span(&m.crt), MO_EINVAL, MSG_PKI_NO_KEY, "given.key");
	refuse_key(SPAN_LIT(""), buf_span(&m.crt), MO_EINVAL, MSG_PKI_NO_KEY, "given.key");
	refuse_key(buf_span(&m.key), SPAN_LIT("x"), MO_EINVAL, MSG_PKI_NO_CERTIFICATE, "given.crt");
	/* An encrypted key is refused and asks nobody for its password. */
	BIO *in = BIO_new_mem_buf(m.key.p, (int)m.key.n), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *k = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	static char password[] = "secret";
	char *p;
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, k, EVP_aes_128_cbc(), password, 6, NULL, NULL), 1);
	long n = BIO_get_mem_data(out, &p);
	refuse_key(span_of(p, (size_t)n), buf_span(&m.crt), MO_EINVAL, MSG_PKI_NO_KEY, "given.key");
	EVP_PKEY_free(k);
	BIO_free(in);
	BIO_free(out);
	buf_free(&b);
}

static void a_long_common_name_is_cut(void **state)
{
	static struct pki_info i;
	struct buf k, c, cn;
	(void)state;
	buf_init(&k, 0);
	buf_init(&c, 0);
	buf_init(&cn, 0);
	for (int n = 0; n < 70; n++)
		buf_adds(&cn, "공");
	assert_int_equal(pki_ca_new(&k, &c, buf_span(&cn), NOW), 0);
	assert_int_equal(pki_cert_info(&i, buf_span(&c), 0, "c", NULL), 0);
	assert_int_equal(strlen(i.subject), 3 + 64 * 3);
	assert_int_equal(pki_ca_new(&k, &c, SPAN_LIT(""), NOW), MO_EINVAL);
	assert_int_equal(pki_ca_new(&k, &c, SPAN_LIT("\xff"), NOW), MO_EINVAL);
	buf_free(&k);
	buf_free(&c);
	buf_free(&cn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_client_believes_it), cmocka_unit_test(what_they_may_be_used_for), cmocka_unit_test(info),
		cmocka_unit_test(no_longer_than_its_ca), cmocka_unit_test(names), cmocka_unit_test(bad_pem_is_named), cmocka_unit_test(a_long_common_name_is_cut)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
