/* The decision on a peer's certificate, over a matrix of good and bad ones made here with OpenSSL; reading one that somebody gives. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "os/trust.h"

#define NOW (INT64_C(1795000000) * NS_PER_S) /* 2026-11-18 */
#define DAY NS_PER_DAY
#define HOST "erp.example"
#define URI "urn:plc-7:maker:server"

/* What a certificate is to be like; zeros are the usual. */
struct wish {
	const char *cn, *names, *usage, *key; /* key: "P-256", "P-192", "rsa1024", "rsa2048", "ed25519" */
	bool ca, sha1;
	int64_t from_ns, to_ns; /* beside NOW */
};
struct made {
	EVP_PKEY *key;
	X509 *x;
};

static EVP_PKEY *new_key(const char *kind)
{
	EVP_PKEY *k = !kind ? EVP_EC_gen("P-256")
		      : strncmp(kind, "rsa", 3) == 0 ? EVP_RSA_gen((size_t)strtoul(kind + 3, NULL, 10))
		      : strcmp(kind, "ed25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
						     : EVP_EC_gen(kind);
	assert_non_null(k);
	return k;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* Signed by `by`, or by itself. */
static struct made make(const struct wish *w, const struct made *by)
{
	static long serial = 1;
	struct made m = {new_key(w->key), X509_new()};
	const struct made *signer = by ? by : &m;
	assert_non_null(m.x);
	X509_set_version(m.x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(m.x), serial++);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(m.x), "CN", MBSTRING_UTF8, (const unsigned char *)(w->cn ? w->cn : HOST), -1, -1, 0);
	X509_set_issuer_name(m.x, X509_get_subject_name(signer->x));
	ASN1_TIME_set(X509_getm_notBefore(m.x), (time_t)((NOW + (w->from_ns ? w->from_ns : -DAY)) / NS_PER_S));
	ASN1_TIME_set(X509_getm_notAfter(m.x), (time_t)((NOW + (w->to_ns ? w->to_ns : 100 * DAY)) / NS_PER_S));
	X509_set_pubkey(m.x, m.key);
	extend(m.x, signer->x, NID_basic_constraints, w->ca ? "critical,CA:TRUE" : "CA:FALSE");
	extend(m.x, signer->x, NID_subject_key_identifier, "hash");
	if (by)
		extend(m.x, by->x, NID_authority_key_identifier, "keyid");
	if (!w->ca || w->names)
		extend(m.x, signer->x, NID_subject_alt_name, w->names ? w->names : "DNS:" HOST ",IP:192.168.0.10,URI:" URI);
	if (w->usage)
		extend(m.x, signer->x, NID_ext_key_usage, w->usage);
	const EVP_MD *md = w->key && strcmp(w->key, "ed25519") == 0 ? NULL : w->sha1 ? EVP_sha1() : EVP_sha256();
	assert_true(X509_sign(m.x, signer->key, md) > 0);
	return m;
}

static void pem(struct buf *to, const struct made *m)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	assert_int_equal(PEM_write_bio_X509(bio, m->x), 1);
	long n = BIO_get_mem_data(bio, &p);
	buf_add(to, span_of(p, (size_t)n));
	BIO_free(bio);
}

static void drop(struct made *m)
{
	X509_free(m->x);
	EVP_PKEY_free(m->key);
}

static void trust(struct trust_list *l, const struct made *m, enum trust_state s, trust_purpose_set for_what, bool authority)
{
	struct buf b;
	buf_init(&b, 0);
	pem(&b, m);
	assert_int_equal(trust_list_add(l, buf_span(&b), s, for_what, authority, NULL), 0);
	buf_free(&b);
}

static struct made ca, old_ca, middle, stranger;
static struct trust_list *list;

/* The list of all rows: `ca` for https-out and opcua. */
static int setup(void **state)
{
	(void)state;
	ca = make(&(struct wish){.cn = "Their CA", .ca = true}, NULL);
	middle = make(&(struct wish){.cn = "Their Works", .ca = true}, &ca);
	stranger = make(&(struct wish){.cn = "Stranger", .ca = true}, NULL);
	old_ca = make(&(struct wish){.cn = "Old CA", .ca = true, .from_ns = -10 * DAY, .to_ns = -DAY}, NULL);
	if (trust_list_new(&list) != 0)
		return 1;
	trust(list, &ca, TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT) | trust_bit(TRUST_OPCUA), true);
	trust(list, &old_ca, TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT), true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	drop(&ca);
	drop(&middle);
	drop(&stranger);
	drop(&old_ca);
	trust_list_free(list);
	return 0;
}

static enum trust_verdict ask(const struct trust_list *l, const struct made *leaf, const struct made *beside, enum trust_purpose p, const char *name, int64_t now)
{
	struct buf chain;
	struct diag d = {0};
	enum trust_verdict v = TRUST_NOT_ASKED;
	const struct trust_asked q = {.purpose = p, .name = name, .who = "head office", .now_ns = now};
	buf_init(&chain, 0);
	pem(&chain, leaf);
	if (beside)
		pem(&chain, beside);
	int err = trust_verify(&v, l, &q, buf_span(&chain), &d);
	assert_int_equal(err, v == TRUST_GOOD ? 0 : MO_EDENIED);
	assert_int_equal(d.msg != MSG_NONE, v != TRUST_GOOD);
	buf_free(&chain);
	return v;
}

static void the_matrix(void **state)
{
	static const struct {
		const char *what;
		struct wish wish;
		struct made *by, *beside;
		enum trust_verdict expected;
		const char *name; /* NULL: HOST */
		enum trust_purpose purpose;
	} rows[] = {
		{"right", {0}, &ca, NULL, TRUST_GOOD, NULL, 0},
		{"by address", {0}, &ca, NULL, TRUST_GOOD, "192.168.0.10", 0},
		{"RSA 2048", {.key = "rsa2048"}, &ca, NULL, TRUST_GOOD, NULL, 0},
		{"Ed25519", {.key = "ed25519"}, NULL, NULL, TRUST_UNKNOWN, NULL, 0},
		{"for servers", {.usage = "serverAuth"}, &ca, NULL, TRUST_GOOD, NULL, 0},
		{"by an intermediate that it shows", {0}, &middle, &middle, TRUST_GOOD, NULL, 0},
		{"by an intermediate that it does not show", {0}, &middle, NULL, TRUST_UNKNOWN, NULL, 0},
		{"OPC UA by its URI", {0}, &ca, NULL, TRUST_GOOD, URI, TRUST_OPCUA},
		{"expired", {.from_ns = -10 * DAY, .to_ns = -DAY}, &ca, NULL, TRUST_EXPIRED, NULL, 0},
		{"not yet valid", {.from_ns = DAY}, &ca, NULL, TRUST_NOT_YET, NULL, 0},
		{"of an authority that is expired", {0}, &old_ca, NULL, TRUST_EXPIRED, NULL, 0},
		{"another host", {0}, &ca, NULL, TRUST_OTHER_NAME, "other.example", 0},
		{"another address", {0}, &ca, NULL, TRUST_OTHER_NAME, "192.168.0.11", 0},
		{"another URI", {0}, &ca, NULL, TRUST_OTHER_NAME, "urn:plc-8:maker:server", TRUST_OPCUA},
		{"no name to expect", {0}, &ca, NULL, TRUST_OTHER_NAME, "", 0},
		{"the common name alone", {.names = "DNS:elsewhere.example"}, &ca, NULL, TRUST_OTHER_NAME, NULL, 0},
		{"a part of a label", {.names = "DNS:e*p.example"}, &ca, NULL, TRUST_OTHER_NAME, NULL, 0},
		{"trusted for other things", {0}, &ca, NULL, TRUST_OTHER_PURPOSE, NULL, TRUST_PARTNER},
		{"made for clients", {.usage = "clientAuth"}, &ca, NULL, TRUST_USAGE, NULL, 0},
		{"made for mail", {.usage = "emailProtection"}, &ca, NULL, TRUST_USAGE, URI, TRUST_OPCUA},
		{"RSA 1024", {.key = "rsa1024"}, &ca, NULL, TRUST_WEAK, NULL, 0},
		{"P-192", {.key = "P-192"}, &ca, NULL, TRUST_WEAK, NULL, 0},
		{"SHA-1", {.sha1 = true}, &ca, NULL, TRUST_WEAK, NULL, 0},
		{"weak and of nobody: there is nothing to decide", {.key = "rsa1024"}, NULL, NULL, TRUST_WEAK, NULL, 0},
		{"self-signed", {0}, NULL, NULL, TRUST_UNKNOWN, NULL, 0},
		{"of a stranger's CA", {0}, &stranger, &stranger, TRUST_UNKNOWN, NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct made leaf = make(&rows[i].wish, rows[i].by);
		enum trust_verdict v = ask(list, &leaf, rows[i].beside, rows[i].purpose, rows[i].name ? rows[i].name : HOST, NOW);
		if (v != rows[i].expected)
			fail_msg("%s: %d, not %d", rows[i].what, (int)v, (int)rows[i].expected);
		drop(&leaf);
	}
}

/* One that nobody signed but itself is trusted by its fingerprint, for what the owner said, and for nothing that it signed. */
static void a_peer_of_its_own(void **state)
{
	struct trust_list *l;
	struct made self = make(&(struct wish){.ca = true, .names = "DNS:" HOST}, NULL), twin = make(&(struct wish){.ca = true, .names = "DNS:" HOST}, NULL);
	struct made signed_by = make(&(struct wish){.cn = "below"}, &self), weak = make(&(struct wish){.sha1 = true}, NULL);
	(void)state;
	assert_int_equal(trust_list_new(&l), 0);
	trust(l, &self, TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT), false);
	assert_int_equal(ask(l, &self, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_GOOD);
	assert_int_equal(ask(l, &self, NULL, TRUST_HTTPS_OUT, "other.example", NOW), TRUST_OTHER_NAME);
	assert_int_equal(ask(l, &self, NULL, TRUST_HTTPS_OUT, HOST, NOW + 200 * DAY), TRUST_EXPIRED);
	assert_int_equal(ask(l, &self, NULL, TRUST_PARTNER, HOST, NOW), TRUST_OTHER_PURPOSE);
	assert_int_equal(ask(l, &twin, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_UNKNOWN); /* the same names, another key */
	assert_int_equal(ask(l, &signed_by, &self, TRUST_HTTPS_OUT, HOST, NOW), TRUST_UNKNOWN);
	trust(l, &weak, TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT), false);
	assert_int_equal(ask(l, &weak, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_WEAK);
	trust_list_free(l);
	drop(&weak);
	drop(&self);
	drop(&twin);
	drop(&signed_by);
}

static void the_owners_word(void **state)
{
	struct trust_list *l;
	struct made leaf = make(&(struct wish){0}, &middle), other = make(&(struct wish){0}, &middle), waiting = make(&(struct wish){0}, NULL),
		    no = make(&(struct wish){0}, NULL);
	(void)state;
	assert_int_equal(trust_list_new(&l), 0);
	assert_int_equal(ask(NULL, &leaf, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_UNKNOWN);
	trust(l, &ca, TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT), true);
	trust(l, &leaf, TRUST_REFUSED, trust_bit(TRUST_HTTPS_OUT), false);
	trust(l, &no, TRUST_REFUSED, trust_bit(TRUST_HTTPS_OUT), false);
	assert_int_equal(ask(l, &no, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_DENIED);
	trust(l, &waiting, TRUST_WAITING, trust_bit(TRUST_HTTPS_OUT), false);
	assert_int_equal(ask(l, &leaf, &middle, TRUST_HTTPS_OUT, HOST, NOW), TRUST_DENIED); /* over its authority */
	assert_int_equal(ask(l, &other, &middle, TRUST_HTTPS_OUT, HOST, NOW), TRUST_GOOD);
	assert_int_equal(ask(l, &waiting, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_UNDECIDED);
	trust(l, &middle, TRUST_REFUSED, trust_bit(TRUST_HTTPS_OUT), true);
	assert_int_equal(ask(l, &other, &middle, TRUST_HTTPS_OUT, HOST, NOW), TRUST_DENIED);
	assert_int_equal(trust_list_count(l, TRUST_TRUSTED), 1);
	assert_int_equal(trust_list_count(l, TRUST_REFUSED), 3);
	assert_int_equal(trust_list_count(l, TRUST_WAITING), 1);
	/* An intermediate can be the end of the way. */
	struct trust_list *m;
	assert_int_equal(trust_list_new(&m), 0);
	trust(m, &middle, TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT), true);
	assert_int_equal(ask(m, &leaf, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_GOOD);
	struct trust_list *again = trust_list_hold(m);
	trust_list_free(m);
	assert_int_equal(ask(again, &leaf, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_GOOD);
	trust_list_free(again);
	trust_list_free(l);
	drop(&leaf);
	drop(&other);
	drop(&no);
	drop(&waiting);
}

/* A changed byte of what is signed. */
static void a_forged_one(void **state)
{
	struct made leaf = make(&(struct wish){0}, &ca);
	unsigned char *der = NULL;
	int n = i2d_X509(leaf.x, &der);
	const unsigned char *at = der;
	(void)state;
	unsigned char *host = memmem(der, (size_t)n, HOST, strlen(HOST));
	assert_non_null(host);
	host[0] = 'E'; /* in the subject: erp -> Erp, which matches no other rule */
	X509_free(leaf.x);
	leaf.x = d2i_X509(NULL, &at, n);
	assert_non_null(leaf.x);
	assert_int_equal(ask(list, &leaf, NULL, TRUST_HTTPS_OUT, HOST, NOW), TRUST_BROKEN);
	OPENSSL_free(der);
	drop(&leaf);
	enum trust_verdict v;
	struct diag d = {0};
	const struct trust_asked q = {.purpose = TRUST_HTTPS_OUT, .name = HOST, .who = "x", .now_ns = NOW};
	assert_int_equal(trust_verify(&v, list, &q, SPAN_LIT("no PEM"), &d), MO_EDENIED);
	assert_int_equal(v, TRUST_BROKEN);
	assert_int_equal(d.msg, MSG_TRUST_BROKEN);
}

static int read_made(const struct wish *w, bool der, struct trust_cert *c, struct diag *d)
{
	struct made m = make(w, NULL);
	struct buf b, out;
	unsigned char *p = NULL;
	buf_init(&b, 0);
	buf_init(&out, 0);
	if (der) {
		int n = i2d_X509(m.x, &p);
		buf_add(&b, span_of(p, (size_t)n));
		OPENSSL_free(p);
	} else {
		buf_adds(&b, "some words around it\n");
		pem(&b, &m);
	}
	int err = trust_cert_read(c, &out, buf_span(&b), "certificate", d);
	assert_int_equal(err == 0, span_starts(buf_span(&out), "-----BEGIN CERTIFICATE-----\n"));
	buf_addc(&b, 'x'); /* behind a DER's end */
	if (der && err == 0)
		assert_int_equal(trust_cert_read(c, NULL, buf_span(&b), "certificate", d), MO_EINVAL);
	buf_free(&b);
	buf_free(&out);
	drop(&m);
	return err;
}

static void reading_one(void **state)
{
	static struct trust_cert c;
	struct diag d = {0};
	struct buf two;
	(void)state;
	assert_int_equal(read_made(&(struct wish){.ca = true, .names = "DNS:" HOST ",URI:" URI}, false, &c, &d), 0);
	assert_string_equal(c.key, "P-256");
	assert_string_equal(c.uri, URI);
	assert_true(c.info.ca && c.info.names.n == 1);
	assert_int_equal(read_made(&(struct wish){.key = "rsa2048"}, true, &c, &d), 0);
	assert_string_equal(c.key, "RSA 2048");
	assert_int_equal(read_made(&(struct wish){.key = "rsa1024"}, true, &c, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_TRUST_TOO_WEAK);
	assert_int_equal(read_made(&(struct wish){.sha1 = true}, false, &c, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_TRUST_TOO_WEAK);
	assert_int_equal(trust_cert_read(&c, NULL, SPAN_LIT(""), "certificate", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_TRUST_NO_CERTIFICATE);
	buf_init(&two, 0);
	pem(&two, &ca);
	pem(&two, &middle);
	assert_int_equal(trust_cert_read(&c, NULL, buf_span(&two), "certificate", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_TRUST_ONE);
	buf_reset(&two);
	for (unsigned i = 0; i <= TRUST_DER_MAX; i++)
		buf_addc(&two, 0x30);
	assert_int_equal(trust_cert_read(&c, NULL, buf_span(&two), "certificate", &d), MO_ELIMIT);
	buf_free(&two);
	enum trust_purpose p;
	enum trust_state s;
	assert_true(trust_purpose_parse(&p, SPAN_LIT("opcua")) == 0 && p == TRUST_OPCUA);
	assert_true(trust_state_parse(&s, SPAN_LIT("refused")) == 0 && s == TRUST_REFUSED);
	assert_int_equal(trust_purpose_parse(&p, SPAN_LIT("all")), MO_EINVAL);
	assert_int_equal(trust_state_parse(&s, SPAN_LIT("")), MO_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_matrix),
		cmocka_unit_test(a_peer_of_its_own),
		cmocka_unit_test(the_owners_word),
		cmocka_unit_test(a_forged_one),
		cmocka_unit_test(reading_one),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
