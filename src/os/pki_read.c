/* Reading certificates and keys: what they are, whether they belong together. The library parses; what it says is put into words with the
 * file's name. */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "os/address.h"
#include "os/pki.h"
#include "os/priv/pem.h"

#define CRT_EXPECTED "-----BEGIN CERTIFICATE-----"
#define KEY_EXPECTED "-----BEGIN PRIVATE KEY-----"

int pki_failed(int err)
{
	ERR_clear_error();
	return err;
}

static int say(struct diag *d, int err, enum mo_msg msg, const char *file, const char *expected)
{
	(void)diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : msg);
	diag_file(d, file);
	diag_expected(d, expected);
	return err;
}

/* An encrypted file is refused; the library's default would ask on the terminal. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int pki_read_chain(STACK_OF(X509) **ret, struct span pem, const char *file, struct diag *d)
{
	if (pem.n > PKI_PEM_MAX_BYTES)
		return say(d, MO_ELIMIT, MSG_PKI_TOO_LONG, file, CRT_EXPECTED);
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
	int err = chain && bio ? 0 : MO_ENOMEM;
	X509 *x;
	ERR_clear_error();
	while (err == 0 && (x = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		if (sk_X509_num(chain) >= (int)PKI_CHAIN_MAX)
			err = MO_ELIMIT;
		else if (sk_X509_push(chain, x) <= 0)
			err = MO_ENOMEM;
		if (err != 0)
			X509_free(x);
	}
	/* The end is "no start line"; anything else is a block that is broken. */
	if (err == 0 && (sk_X509_num(chain) == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		err = MO_EINVAL;
	ERR_clear_error();
	BIO_free(bio);
	if (err != 0) {
		sk_X509_pop_free(chain, X509_free);
		return say(d, err, err == MO_ELIMIT ? MSG_PKI_TOO_LONG : MSG_PKI_NO_CERTIFICATE, file, CRT_EXPECTED);
	}
	*ret = chain;
	return 0;
}

int pki_read_key(EVP_PKEY **ret, struct span pem, const char *file, struct diag *d)
{
	if (pem.n > PKI_PEM_MAX_BYTES)
		return say(d, MO_ELIMIT, MSG_PKI_TOO_LONG, file, KEY_EXPECTED);
	BIO *bio = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
	if (!bio)
		return say(d, pki_failed(MO_ENOMEM), MSG_OUT_OF_MEMORY, file, KEY_EXPECTED);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!key)
		return say(d, MO_EINVAL, MSG_PKI_NO_KEY, file, KEY_EXPECTED);
	*ret = key;
	return 0;
}

/* ---- names ---- */
static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

/* Letters, digits and hyphens in labels of 1..63, no hyphen at an end (RFC 1123 2.1); the last label is no number, or it would be an
 * address gone wrong. */
static bool is_dns_name(struct span s)
{
	bool digits = true;
	size_t label = 0;
	if (s.n == 0 || s.n >= PKI_NAME_MAX)
		return false;
	for (size_t i = 0; i <= s.n; i++) {
		if (i == s.n || s.p[i] == '.') {
			if (label == 0 || label > 63 || s.p[i - 1] == '-' || s.p[i - label] == '-' || (i == s.n && digits))
				return false;
			label = 0;
			digits = i == s.n ? digits : true;
			continue;
		}
		uint8_t c = lower(s.p[i]);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
		digits &= c >= '0' && c <= '9';
		label++;
	}
	return true;
}

/* The one way to write this name. False: it is none. */
static bool canonical(char out[PKI_NAME_MAX], struct span name)
{
	char text[PKI_NAME_MAX];
	if (name.n == 0 || name.n >= sizeof text)
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = 0;
	if (strlen(text) == name.n && address_read(text, out, PKI_NAME_MAX) != ADDRESS_NONE)
		return true;
	if (!is_dns_name(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		out[i] = (char)lower(name.p[i]);
	out[name.n] = 0;
	return true;
}

bool pki_names_have(const struct pki_names *names, struct span name)
{
	char text[PKI_NAME_MAX];
	if (!canonical(text, name))
		return false;
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->name[i], text) == 0)
			return true;
	return false;
}

int pki_names_add(struct pki_names *names, struct span name)
{
	char text[PKI_NAME_MAX];
	if (!canonical(text, name))
		return MO_EINVAL;
	if (pki_names_have(names, name))
		return 0;
	if (names->n == PKI_NAMES_MAX)
		return MO_ELIMIT;
	memcpy(names->name[names->n++], text, strlen(text) + 1);
	return 0;
}

int pki_names_add_list(struct pki_names *names, struct span list)
{
	int err = 0;
	for (size_t i = 0; i < list.n && err == 0;) {
		size_t from = i;
		while (i < list.n && list.p[i] != ',' && list.p[i] != ' ' && list.p[i] != '\t')
			i++;
		if (i > from)
			err = pki_names_add(names, span_sub(list, from, i - from));
		i++;
	}
	return err;
}

bool pki_names_equal(const struct pki_names *a, const struct pki_names *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!pki_names_have(b, span_str(a->name[i])))
			return false;
	return true;
}

/* ---- a certificate in words ---- */
static int to_ns(int64_t *ret, const ASN1_TIME *t)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return MO_EINVAL;
	struct civil c = {.year = tm.tm_year + 1900, .month = (uint8_t)(tm.tm_mon + 1), .day = (uint8_t)tm.tm_mday, .hour = (uint8_t)tm.tm_hour,
		.minute = (uint8_t)tm.tm_min, .second = (uint8_t)tm.tm_sec};
	int err = civil_to_ns(ret, &c);
	/* "99991231235959Z" means that it never ends (RFC 5280 4.1.2.5). */
	if (err == MO_ELIMIT) {
		*ret = c.year > 2000 ? INT64_MAX : INT64_MIN + 1;
		err = 0;
	}
	return err;
}

static int name_text(char out[PKI_SUBJECT_MAX], const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	int err = bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0 ? 0 : MO_ENOMEM;
	long n = err == 0 ? BIO_get_mem_data(bio, &p) : 0;
	if (err == 0)
		diag_copy(out, PKI_SUBJECT_MAX, n > 0 ? span_of(p, (size_t)n) : SPAN_LIT(""));
	BIO_free(bio);
	return err;
}

/* Names over the maximum are left out, as those of other kinds are: this is for showing and comparing, the library checks. */
static void read_names(struct pki_names *to, const X509 *x)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		char text[PKI_NAME_MAX];
		struct span s = {NULL, 0};
		if (g->type == GEN_DNS)
			s = span_of(ASN1_STRING_get0_data(g->d.dNSName), (size_t)ASN1_STRING_length(g->d.dNSName));
		else if (g->type == GEN_IPADD &&
			address_text(text, sizeof text, ASN1_STRING_get0_data(g->d.iPAddress), (size_t)ASN1_STRING_length(g->d.iPAddress)))
			s = span_str(text);
		if (s.n && pki_names_add(to, s) != 0)
			continue;
	}
	GENERAL_NAMES_free(all);
	ERR_clear_error();
}

int pki_cert_info(struct pki_info *ret, struct span pem, unsigned at, const char *file, struct diag *d)
{
	STACK_OF(X509) *chain = NULL;
	int err = pki_read_chain(&chain, pem, file, d);
	if (err != 0)
		return err;
	struct pki_info *i = calloc(1, sizeof *i);
	unsigned n = 0;
	if (!i)
		err = MO_ENOMEM;
	else if (at >= (unsigned)sk_X509_num(chain))
		err = MO_ENOENT;
	if (err == 0) {
		X509 *x = sk_X509_value(chain, (int)at);
		i->in_chain = (unsigned)sk_X509_num(chain);
		i->ca = X509_check_ca(x) != 0;
		err = X509_digest(x, EVP_sha256(), i->sha256, &n) == 1 && n == 32 ? 0 : MO_ENOMEM;
		if (err == 0)
			err = to_ns(&i->not_before_ns, X509_get0_notBefore(x));
		if (err == 0)
			err = to_ns(&i->not_after_ns, X509_get0_notAfter(x));
		if (err == 0)
			err = name_text(i->subject, X509_get_subject_name(x));
		if (err == 0)
			err = name_text(i->issuer, X509_get_issuer_name(x));
		read_names(&i->names, x);
	}
	if (err == 0)
		*ret = *i;
	free(i);
	sk_X509_pop_free(chain, X509_free);
	return err == 0 ? 0 : say(d, pki_failed(err), MSG_PKI_NO_CERTIFICATE, file, CRT_EXPECTED);
}

/* Comparing with a certificate looks at the public half alone; one that does not belong to the private half would sign what nobody can verify. */
static int pki_halves(EVP_PKEY *k)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
	int err = !ctx ? MO_ENOMEM : EVP_PKEY_pairwise_check(ctx) == 1 ? 0 : MO_ECORRUPT;
	EVP_PKEY_CTX_free(ctx);
	return err ? pki_failed(err) : 0;
}

int pki_key_check(struct span key, const char *file, struct diag *d)
{
	EVP_PKEY *k = NULL;
	int err = pki_read_key(&k, key, file, d);
	if (err == 0 && (err = pki_halves(k)) != 0)
		(void)say(d, err, MSG_PKI_KEY_DAMAGED, file, KEY_EXPECTED);
	EVP_PKEY_free(k);
	return err;
}

int pki_key_fits(struct span key, const char *key_file, struct span crt, const char *crt_file, struct diag *d)
{
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *k = NULL;
	int err = pki_read_chain(&chain, crt, crt_file, d);
	if (err == 0)
		err = pki_read_key(&k, key, key_file, d);
	if (err == 0 && (err = pki_halves(k)) != 0)
		(void)say(d, err, MSG_PKI_KEY_DAMAGED, key_file, KEY_EXPECTED);
	if (err == 0 && X509_check_private_key(sk_X509_value(chain, 0), k) != 1) {
		err = say(d, pki_failed(MO_EINVAL), MSG_PKI_KEY_OTHER, key_file, "");
		diag_text(d, 0, span_str(crt_file));
	}
	EVP_PKEY_free(k);
	sk_X509_pop_free(chain, X509_free);
	return err;
}

int pki_signed_by(struct span crt, struct span ca_crt)
{
	STACK_OF(X509) *chain = NULL, *ca = NULL;
	int err = pki_read_chain(&chain, crt, "", NULL);
	if (err == 0)
		err = pki_read_chain(&ca, ca_crt, "", NULL);
	if (err == 0) {
		X509 *x = sk_X509_value(chain, 0), *a = sk_X509_value(ca, 0);
		EVP_PKEY *pub = X509_get0_pubkey(a);
		bool ok = pub && X509_check_ca(a) != 0 && X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(a)) == 0 && X509_verify(x, pub) == 1;
		err = ok ? 0 : pki_failed(MO_EINVAL);
	}
	sk_X509_pop_free(chain, X509_free);
	sk_X509_pop_free(ca, X509_free);
	return err;
}

int pki_valid_at(const struct pki_info *info, int64_t now_ns, const char *file, struct diag *d)
{
	char text[32];
	bool early = now_ns < info->not_before_ns;
	if (!early && now_ns <= info->not_after_ns)
		return 0;
	(void)diag_set(d, MO_EINVAL, early ? MSG_PKI_NOT_YET : MSG_PKI_EXPIRED);
	diag_file(d, file);
	diag_text(d, 0, span_of(text, rfc3339_format(text, early ? info->not_before_ns : info->not_after_ns)));
	return MO_EINVAL;
}
