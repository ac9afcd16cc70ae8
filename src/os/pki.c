/* Making keys and certificates. Serial numbers are 127 random bits (RFC 5280 4.1.2.2: positive, at most 20 bytes). */
#include "os/pki.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/utf8.h"
#include "os/address.h"
#include "os/crypto.h"
#include "os/priv/pem.h"

#define SERIAL_BYTES 16u

static int append_bio(struct buf *to, BIO *bio)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	if (n <= 0)
		return MO_ENOMEM;
	buf_add(to, span_of(p, (size_t)n));
	return to->err;
}

/* Both as PEM; a memory BIO wipes what it held. */
static int write_pair(struct buf *key, struct buf *crt, EVP_PKEY *k, X509 *x)
{
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
	int err = a && b && PEM_write_bio_PKCS8PrivateKey(a, k, NULL, NULL, 0, NULL, NULL) == 1 && PEM_write_bio_X509(b, x) == 1 ? 0 : MO_ENOMEM;
	if (err == 0)
		err = append_bio(key, a);
	if (err == 0)
		err = append_bio(crt, b);
	BIO_free(a);
	BIO_free(b);
	return err;
}

static int set_serial(X509 *x)
{
	uint8_t bytes[SERIAL_BYTES];
	int err = os_random(bytes, sizeof bytes);
	if (err != 0)
		return err;
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and always of one length */
	BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
	err = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) ? 0 : MO_ENOMEM;
	BN_free(n);
	return err;
}

static int set_times(X509 *x, int64_t now_ns, int64_t length_ns, const ASN1_TIME *at_most)
{
	int64_t from_s = (now_ns - PKI_BACKDATE_NS) / NS_PER_S, to_s = from_s + length_ns / NS_PER_S;
	if (!ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from_s) || !ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to_s))
		return MO_ENOMEM;
	if (at_most && ASN1_TIME_compare(X509_get0_notAfter(x), at_most) > 0 && X509_set1_notAfter(x, at_most) != 1)
		return MO_ENOMEM;
	return 0;
}

static int set_common_name(X509 *x, struct span cn)
{
	X509_NAME *name = X509_get_subject_name(x);
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, cn.p, (int)cn.n, -1, 0) == 1 ? 0 : MO_ENOMEM;
}

static int extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	int err = e && X509_add_ext(x, e, -1) == 1 ? 0 : MO_ENOMEM;
	X509_EXTENSION_free(e);
	return err;
}

/* The names as objects, not as OpenSSL's configuration text: nothing in a name can mean anything else there. */
static int add_names(X509 *x, const struct pki_names *names)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	int err = all ? 0 : MO_ENOMEM;
	for (size_t i = 0; i < names->n && err == 0; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_OCTET_STRING *ip = a2i_IPADDRESS(names->name[i]);
		ASN1_IA5STRING *dns = ip ? NULL : ASN1_IA5STRING_new();
		if (g && ip) {
			GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
			ip = NULL;
		} else if (g && dns && ASN1_STRING_set(dns, names->name[i], -1) == 1) {
			GENERAL_NAME_set0_value(g, GEN_DNS, dns);
			dns = NULL;
		} else {
			err = MO_ENOMEM;
		}
		ASN1_OCTET_STRING_free(ip);
		ASN1_IA5STRING_free(dns);
		if (err == 0 && sk_GENERAL_NAME_push(all, g) <= 0)
			err = MO_ENOMEM;
		if (err != 0)
			GENERAL_NAME_free(g);
	}
	if (err == 0 && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_APPEND) != 1)
		err = MO_ENOMEM;
	GENERAL_NAMES_free(all);
	return err;
}

/* What both kinds begin with. */
static int new_pair(EVP_PKEY **ret_key, X509 **ret_crt)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	int err = k && x && X509_set_version(x, X509_VERSION_3) == 1 && X509_set_pubkey(x, k) == 1 ? set_serial(x) : MO_ENOMEM;
	if (err != 0) {
		EVP_PKEY_free(k);
		X509_free(x);
		return err;
	}
	*ret_key = k;
	*ret_crt = x;
	return 0;
}

/* At most PKI_CN_MAX characters. */
static struct span cut(struct span cn)
{
	uint32_t cp;
	size_t at = 0;
	for (unsigned i = 0; i < PKI_CN_MAX; i++) {
		int n = utf8_next(span_sub(cn, at, cn.n), &cp);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	return span_sub(cn, 0, at);
}

int pki_ca_new(struct buf *key, struct buf *crt, struct span common_name, int64_t now_ns)
{
	EVP_PKEY *k = NULL;
	X509 *x = NULL;
	if (common_name.n == 0 || !utf8_valid(common_name))
		return MO_EINVAL;
	int err = new_pair(&k, &x);
	if (err == 0)
		err = set_common_name(x, cut(common_name));
	if (err == 0 && X509_set_issuer_name(x, X509_get_subject_name(x)) != 1)
		err = MO_ENOMEM;
	if (err == 0)
		err = set_times(x, now_ns, PKI_CA_NS, NULL);
	/* It signs servers, no further authorities. */
	if (err == 0)
		err = extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	if (err == 0)
		err = extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
	if (err == 0)
		err = extend(x, x, NID_subject_key_identifier, "hash");
	if (err == 0 && X509_sign(x, k, EVP_sha256()) <= 0)
		err = MO_ENOMEM;
	if (err == 0)
		err = write_pair(key, crt, k, x);
	EVP_PKEY_free(k);
	X509_free(x);
	return err == 0 ? 0 : pki_failed(err);
}

/* The name a person would call the machine: the first that is no address and not localhost. */
static const char *title(const struct pki_names *names)
{
	char text[PKI_NAME_MAX];
	for (size_t i = 0; i < names->n; i++)
		if (address_read(names->name[i], text, sizeof text) == ADDRESS_NONE && strcmp(names->name[i], "localhost") != 0 &&
			strlen(names->name[i]) <= PKI_CN_MAX)
			return names->name[i];
	return "localhost";
}

int pki_server_new(struct buf *key, struct buf *crt, struct span ca_key, struct span ca_crt, const struct pki_names *names, int64_t now_ns)
{
	STACK_OF(X509) *ca = NULL;
	EVP_PKEY *ck = NULL, *k = NULL;
	X509 *x = NULL;
	if (names->n == 0)
		return MO_EINVAL;
	int err = pki_read_chain(&ca, ca_crt, "", NULL);
	if (err == 0)
		err = pki_read_key(&ck, ca_key, "", NULL);
	X509 *a = err == 0 ? sk_X509_value(ca, 0) : NULL;
	if (err == 0 && (X509_check_ca(a) == 0 || X509_check_private_key(a, ck) != 1))
		err = MO_EINVAL;
	if (err == 0)
		err = new_pair(&k, &x);
	if (err == 0)
		err = set_common_name(x, span_str(title(names)));
	if (err == 0 && X509_set_issuer_name(x, X509_get_subject_name(a)) != 1)
		err = MO_ENOMEM;
	if (err == 0)
		err = set_times(x, now_ns, PKI_SERVER_NS, X509_get0_notAfter(a));
	if (err == 0)
		err = extend(x, a, NID_basic_constraints, "critical,CA:FALSE");
	if (err == 0)
		err = extend(x, a, NID_key_usage, "critical,digitalSignature");
	if (err == 0)
		err = extend(x, a, NID_ext_key_usage, "serverAuth");
	if (err == 0)
		err = extend(x, a, NID_subject_key_identifier, "hash");
	if (err == 0)
		err = extend(x, a, NID_authority_key_identifier, "keyid:always");
	if (err == 0)
		err = add_names(x, names);
	if (err == 0 && X509_sign(x, ck, EVP_sha256()) <= 0)
		err = MO_ENOMEM;
	if (err == 0)
		err = write_pair(key, crt, k, x);
	X509_free(x);
	EVP_PKEY_free(k);
	EVP_PKEY_free(ck);
	sk_X509_pop_free(ca, X509_free);
	return err == 0 ? 0 : pki_failed(err);
}
