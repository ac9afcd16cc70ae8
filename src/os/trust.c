/* See trust.h. */
#include "os/trust.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "os/address.h"
#include "os/priv/pem.h"
#include "os/priv/trust.h"

#define EXPECTED "-----BEGIN CERTIFICATE-----"
#define AUTH_LEVEL 2 /* OpenSSL's name for TRUST_SECURITY_BITS, for every certificate up to the authority */

static const struct {
	const char *name;
	int usage; /* X509_PURPOSE_…; 0: usable() has a rule of its own */
} purposes[TRUST_PURPOSES] = {
	[TRUST_HTTPS_OUT] = {"https-out", X509_PURPOSE_SSL_SERVER},
	[TRUST_OPCUA] = {"opcua", 0},
	[TRUST_PARTNER] = {"partner", 0},
};
static const char *const states[TRUST_STATES] = {"waiting", "trusted", "refused"};

const char *trust_purpose_name(enum trust_purpose p) { return (unsigned)p < TRUST_PURPOSES ? purposes[p].name : "?"; }
const char *trust_state_name(enum trust_state s) { return (unsigned)s < TRUST_STATES ? states[s] : "?"; }

int trust_purpose_parse(enum trust_purpose *ret, struct span name)
{
	for (unsigned i = 0; i < TRUST_PURPOSES; i++)
		if (span_is(name, purposes[i].name)) {
			*ret = (enum trust_purpose)i;
			return 0;
		}
	return MO_EINVAL;
}

int trust_state_parse(enum trust_state *ret, struct span name)
{
	for (unsigned i = 0; i < TRUST_STATES; i++)
		if (span_is(name, states[i])) {
			*ret = (enum trust_state)i;
			return 0;
		}
	return MO_EINVAL;
}

/* ---- one certificate ---- */

/* Whether the key is one that is taken, and what it is called. */
static bool key_strong(char out[TRUST_KEY_MAX], const X509 *x)
{
	static const struct {
		const char *group, *name;
	} curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};
	char group[TRUST_KEY_MAX] = "";
	size_t n;
	EVP_PKEY *k = X509_get0_pubkey(x);
	int id = k ? EVP_PKEY_get_base_id(k) : NID_undef, bits = k ? EVP_PKEY_get_bits(k) : 0;
	if (id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS) {
		snprintf(out, TRUST_KEY_MAX, "RSA %d", bits);
		return bits >= TRUST_RSA_MIN && bits <= TRUST_RSA_MAX;
	}
	if (id == EVP_PKEY_ED25519) {
		snprintf(out, TRUST_KEY_MAX, "Ed25519");
		return true;
	}
	if (id == EVP_PKEY_EC && EVP_PKEY_get_group_name(k, group, sizeof group, &n) == 1)
		for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
			if (strcmp(group, curves[i].group) == 0) {
				snprintf(out, TRUST_KEY_MAX, "%s", curves[i].name);
				return true;
			}
	snprintf(out, TRUST_KEY_MAX, "%.*s", (int)sizeof group - 1, group[0] ? group : id > 0 ? OBJ_nid2sn(id) : "?");
	return false;
}

static bool strong(X509 *x)
{
	char key[TRUST_KEY_MAX];
	int hash, bits = 0;
	return key_strong(key, x) && X509_get_signature_info(x, &hash, NULL, &bits, NULL) == 1 && bits >= TRUST_SECURITY_BITS;
}

static int bad(struct diag *d, int err, enum mo_msg msg, const char *field, const char *text)
{
	(void)diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : msg);
	diag_field(d, span_str(field));
	diag_expected(d, EXPECTED);
	diag_text(d, 0, span_str(text));
	return pki_failed(err);
}

/* Exactly one, and nothing of another behind it. */
static int read_one(X509 **ret, struct span given, const char *field, struct diag *d)
{
	const unsigned char *at = given.p;
	bool der = given.n && given.p[0] == 0x30; /* a SEQUENCE; PEM's text cannot begin so */
	if (given.n > (der ? TRUST_DER_MAX : PKI_PEM_MAX_BYTES))
		return bad(d, MO_ELIMIT, MSG_TRUST_TOO_LONG, field, "");
	if (der) {
		ERR_clear_error();
		X509 *x = d2i_X509(NULL, &at, (long)given.n);
		if (!x || at != given.p + given.n) {
			X509_free(x);
			bool memory = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
			return bad(d, memory ? MO_ENOMEM : MO_EINVAL, MSG_TRUST_NO_CERTIFICATE, field, "");
		}
		*ret = x;
		return 0;
	}
	STACK_OF(X509) *chain = NULL;
	int err = pki_read_chain(&chain, given, "", NULL);
	if (err != 0)
		return bad(d, err, err == MO_ELIMIT ? MSG_TRUST_ONE : MSG_TRUST_NO_CERTIFICATE, field, "");
	if (sk_X509_num(chain) == 1)
		*ret = sk_X509_pop(chain);
	else
		err = bad(d, MO_EINVAL, MSG_TRUST_ONE, field, "");
	sk_X509_pop_free(chain, X509_free);
	if (err == 0 && i2d_X509(*ret, NULL) > (int)TRUST_DER_MAX) {
		X509_free(*ret);
		err = bad(d, MO_ELIMIT, MSG_TRUST_TOO_LONG, field, "");
	}
	return err;
}

static int write_pem(struct buf *to, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = bio && PEM_write_bio_X509(bio, x) == 1 ? BIO_get_mem_data(bio, &p) : 0;
	if (n > 0)
		buf_add(to, span_of(p, (size_t)n));
	BIO_free(bio);
	return n > 0 ? to->err : MO_ENOMEM;
}

static void read_uri(char out[TRUST_URI_MAX], const X509 *x)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	out[0] = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(all) && !out[0]; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		if (g->type == GEN_URI)
			diag_copy(out, TRUST_URI_MAX, span_of(ASN1_STRING_get0_data(g->d.uniformResourceIdentifier),
				(size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier)));
	}
	GENERAL_NAMES_free(all);
	ERR_clear_error();
}

int trust_cert_read(struct trust_cert *ret, struct buf *pem, struct span given, const char *field, struct diag *d)
{
	X509 *x = NULL;
	struct buf text;
	struct trust_cert *c = calloc(1, sizeof *c);
	buf_init(&text, 0);
	int err = c ? read_one(&x, given, field, d) : bad(d, MO_ENOMEM, MSG_OUT_OF_MEMORY, field, "");
	if (err == 0 && !strong(x)) {
		(void)key_strong(c->key, x);
		err = bad(d, MO_EINVAL, MSG_TRUST_TOO_WEAK, field, c->key);
	} else if (err == 0) {
		(void)key_strong(c->key, x);
		read_uri(c->uri, x);
		err = write_pem(&text, x);
		if (err == 0)
			err = pki_cert_info(&c->info, buf_span(&text), 0, field, NULL);
		if (err == 0 && pem) {
			buf_add(pem, buf_span(&text));
			err = pem->err;
		}
		if (err != 0)
			err = bad(d, err, MSG_TRUST_NO_CERTIFICATE, field, "");
	}
	if (err == 0)
		*ret = *c;
	X509_free(x);
	buf_free(&text);
	free(c);
	return err;
}

/* ---- the list ---- */

struct item {
	X509 *x;
	uint8_t sha256[32];
	enum trust_state state;
	trust_purpose_set purposes;
	bool authority;
};
struct trust_list {
	atomic_uint held;
	size_t n, cap;
	struct item *items;
};

int trust_list_new(struct trust_list **ret)
{
	struct trust_list *l = calloc(1, sizeof *l);
	if (!l)
		return MO_ENOMEM;
	atomic_init(&l->held, 1);
	*ret = l;
	return 0;
}

struct trust_list *trust_list_hold(struct trust_list *l)
{
	if (l)
		atomic_fetch_add(&l->held, 1);
	return l;
}

void trust_list_free(struct trust_list *l)
{
	if (!l || atomic_fetch_sub(&l->held, 1) != 1)
		return;
	for (size_t i = 0; i < l->n; i++)
		X509_free(l->items[i].x);
	free(l->items);
	free(l);
}

static bool digest(uint8_t out[32], const X509 *x)
{
	unsigned n = 0;
	return X509_digest(x, EVP_sha256(), out, &n) == 1 && n == 32;
}

int trust_list_add(struct trust_list *l, struct span pem, enum trust_state state, trust_purpose_set set, bool authority, struct diag *d)
{
	struct item i = {.state = state, .purposes = set};
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 8;
		struct item *more = realloc(l->items, cap * sizeof *more);
		if (!more)
			return bad(d, MO_ENOMEM, MSG_OUT_OF_MEMORY, "certificate", "");
		l->items = more;
		l->cap = cap;
	}
	int err = read_one(&i.x, pem, "certificate", d);
	if (err != 0)
		return err;
	if (!digest(i.sha256, i.x)) {
		X509_free(i.x);
		return bad(d, MO_ENOMEM, MSG_OUT_OF_MEMORY, "certificate", "");
	}
	i.authority = authority && X509_check_ca(i.x) != 0;
	l->items[l->n++] = i;
	return 0;
}

size_t trust_list_count(const struct trust_list *l, enum trust_state state)
{
	size_t n = 0;
	for (size_t i = 0; l && i < l->n; i++)
		n += l->items[i].state == state;
	return n;
}

/* What the owner decided last of it; NULL: nothing. */
static const struct item *find(const struct trust_list *l, const X509 *x)
{
	uint8_t sha256[32];
	if (!l || !digest(sha256, x))
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		if (memcmp(l->items[i].sha256, sha256, sizeof sha256) == 0)
			return &l->items[i];
	return NULL;
}

bool trust_has_refused(const struct trust_list *l, const STACK_OF(X509) *chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const struct item *known = find(l, sk_X509_value(chain, i));
		if (known && known->state == TRUST_REFUSED)
			return true;
	}
	return false;
}

/* ---- the decision ---- */

static bool has_uri(const X509 *x, const char *uri)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool has = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(all) && !has; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		has = g->type == GEN_URI && span_is(span_of(ASN1_STRING_get0_data(g->d.uniformResourceIdentifier),
			(size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier)), uri);
	}
	GENERAL_NAMES_free(all);
	return has;
}

static bool is_named(X509 *x, const char *name)
{
	if (!name || !name[0])
		return false;
	if (address_read(name, NULL, 0) != ADDRESS_NONE)
		return X509_check_ip_asc(x, name, 0) == 1;
	if (strchr(name, ':'))
		return has_uri(x, name);
	return X509_check_host(x, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/* What the certificate says that it is for. */
static bool usable(X509 *x, enum trust_purpose p)
{
	if (purposes[p].usage)
		return X509_check_purpose(x, purposes[p].usage, 0) == 1;
	/* OPC UA signs and is server or client by turns (OPC 10000-6 table 36); so do partners. */
	uint32_t use = X509_get_key_usage(x), more = X509_get_extended_key_usage(x);
	return (use == UINT32_MAX || (use & KU_DIGITAL_SIGNATURE)) && (more == UINT32_MAX || (more & (XKU_SSL_SERVER | XKU_SSL_CLIENT)));
}

static enum trust_verdict of_error(int e)
{
	switch (e) {
	case X509_V_ERR_CERT_HAS_EXPIRED: return TRUST_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID: return TRUST_NOT_YET;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK: return TRUST_WEAK;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return TRUST_UNKNOWN;
	default: return TRUST_BROKEN;
	}
}

/* Whether an authority that is trusted for one of `set` stands above it. */
static int to_authority(enum trust_verdict *ret, const struct trust_list *l, trust_purpose_set set, const struct trust_asked *q, X509 *leaf,
	STACK_OF(X509) *more)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	size_t n = 0;
	int err = store && ctx ? 0 : MO_ENOMEM;
	*ret = TRUST_UNKNOWN;
	for (size_t i = 0; i < l->n && err == 0; i++) {
		const struct item *at = &l->items[i];
		if (at->state != TRUST_TRUSTED || !at->authority || !(at->purposes & set))
			continue;
		err = X509_STORE_add_cert(store, at->x) == 1 ? 0 : MO_ENOMEM;
		n++;
	}
	if (err == 0 && n && X509_STORE_CTX_init(ctx, store, leaf, more) != 1)
		err = MO_ENOMEM;
	if (err == 0 && n) {
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
		/* The owner may trust an authority that another one signed: it is the end of the way. */
		bool set_up = X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST) == 1 &&
			(!purposes[q->purpose].usage || X509_VERIFY_PARAM_set_purpose(p, purposes[q->purpose].usage) == 1);
		X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
		X509_VERIFY_PARAM_set_depth(p, (int)PKI_CHAIN_MAX);
		X509_VERIFY_PARAM_set_time(p, (time_t)(q->now_ns / NS_PER_S));
		int good = set_up ? X509_verify_cert(ctx) : -1, e = X509_STORE_CTX_get_error(ctx);
		if (!set_up || (good != 1 && e == X509_V_ERR_OUT_OF_MEM))
			err = MO_ENOMEM;
		else
			*ret = good == 1 ? TRUST_GOOD : of_error(e);
		STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
		if (err == 0 && *ret == TRUST_GOOD && trust_has_refused(l, chain))
			*ret = TRUST_DENIED;
		for (int i = 0; err == 0 && *ret == TRUST_GOOD && i < sk_X509_num(chain); i++)
			if (!strong(sk_X509_value(chain, i)))
				*ret = TRUST_WEAK;
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return err;
}

/* By the certificate alone; TRUST_UNKNOWN: nothing is wrong with it. */
static enum trust_verdict itself(X509 *leaf, const struct trust_asked *q)
{
	time_t now = (time_t)(q->now_ns / NS_PER_S);
	int begins = X509_cmp_time(X509_get0_notBefore(leaf), &now), ends = X509_cmp_time(X509_get0_notAfter(leaf), &now);
	if (begins == 0 || ends == 0)
		return TRUST_BROKEN;
	if (!strong(leaf))
		return TRUST_WEAK;
	if (begins > 0)
		return TRUST_NOT_YET;
	if (ends < 0)
		return TRUST_EXPIRED;
	if (!is_named(leaf, q->name))
		return TRUST_OTHER_NAME;
	return usable(leaf, q->purpose) ? TRUST_UNKNOWN : TRUST_USAGE;
}

int trust_judge(enum trust_verdict *ret, const struct trust_list *l, const struct trust_asked *q, X509 *leaf, STACK_OF(X509) *more, struct diag *d)
{
	const struct item *known = find(l, leaf);
	enum trust_verdict v, other;
	int err = 0;
	ERR_clear_error();
	if ((known && known->state == TRUST_REFUSED) || trust_has_refused(l, more))
		v = TRUST_DENIED;
	else if (sk_X509_num(more) > (int)PKI_CHAIN_MAX || i2d_X509(leaf, NULL) > (int)TRUST_DER_MAX)
		v = TRUST_BROKEN;
	else
		v = itself(leaf, q);
	if (v == TRUST_UNKNOWN && known && known->state == TRUST_TRUSTED)
		v = known->purposes & trust_bit(q->purpose) ? TRUST_GOOD : TRUST_OTHER_PURPOSE;
	/* An authority may vouch for it where nobody spoke of it itself, or spoke of another purpose. */
	if (l && (v == TRUST_UNKNOWN || v == TRUST_OTHER_PURPOSE)) {
		err = to_authority(&other, l, trust_bit(q->purpose), q, leaf, more);
		if (err == 0 && other != TRUST_UNKNOWN)
			v = other;
		if (err == 0 && v == TRUST_UNKNOWN && (err = to_authority(&other, l, ~0u, q, leaf, more)) == 0 && other == TRUST_GOOD)
			v = TRUST_OTHER_PURPOSE;
	}
	if (v == TRUST_UNKNOWN && known)
		v = TRUST_UNDECIDED;
	ERR_clear_error();
	if (err != 0)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	*ret = v;
	return v == TRUST_GOOD ? 0 : trust_say(v, q, leaf, d);
}

int trust_say(enum trust_verdict v, const struct trust_asked *q, const X509 *leaf, struct diag *d)
{
	static const enum mo_msg words[TRUST_VERDICTS] = {
		[TRUST_UNKNOWN] = MSG_TRUST_UNKNOWN, [TRUST_UNDECIDED] = MSG_TRUST_UNDECIDED, [TRUST_DENIED] = MSG_TRUST_DENIED,
		[TRUST_EXPIRED] = MSG_TRUST_EXPIRED, [TRUST_NOT_YET] = MSG_TRUST_NOT_YET, [TRUST_OTHER_NAME] = MSG_TRUST_OTHER_NAME,
		[TRUST_OTHER_PURPOSE] = MSG_TRUST_OTHER_PURPOSE, [TRUST_USAGE] = MSG_TRUST_USAGE, [TRUST_WEAK] = MSG_TRUST_WEAK,
		[TRUST_BROKEN] = MSG_TRUST_BROKEN,
	};
	uint8_t sha256[32] = {0};
	char text[2 * 8 + 1];
	if (!leaf || !digest(sha256, leaf))
		memset(sha256, 0, sizeof sha256);
	for (unsigned i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", sha256[i]);
	(void)diag_set(d, MO_EDENIED, words[v]);
	diag_text(d, 0, span_str(q->who));
	diag_text(d, 1, span_str(v == TRUST_OTHER_NAME ? q->name ? q->name : "" : text));
	return pki_failed(MO_EDENIED);
}

int trust_verify(enum trust_verdict *ret, const struct trust_list *l, const struct trust_asked *q, struct span chain, struct diag *d)
{
	STACK_OF(X509) *all = NULL;
	int err = pki_read_chain(&all, chain, q->who, NULL);
	if (err == MO_ENOMEM)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	if (err != 0) {
		*ret = TRUST_BROKEN;
		return trust_say(TRUST_BROKEN, q, NULL, d);
	}
	X509 *leaf = sk_X509_shift(all);
	err = trust_judge(ret, l, q, leaf, all, d);
	X509_free(leaf);
	sk_X509_pop_free(all, X509_free);
	return err;
}
