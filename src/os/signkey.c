/* P-256 keys by OpenSSL's EVP interface. The raw signature r||s is RFC 7518,
 * section 3.4; OpenSSL's own is a DER sequence of the two. */
#include "os/crypto.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define GROUP "prime256v1"
#define HALF_BYTES 32
#define PEM_MAX_BYTES 65536u
#define DER_SIG_MAX_BYTES 128u /* 72 for P-256 */

struct signkey {
	EVP_PKEY *pkey;
};

static int failed(int err)
{
	ERR_clear_error();
	return err;
}

/* Takes pkey, also on failure. */
static int wrap(struct signkey **ret, EVP_PKEY *pkey)
{
	struct signkey *k = malloc(sizeof *k);
	if (!k) {
		EVP_PKEY_free(pkey);
		return MO_ENOMEM;
	}
	k->pkey = pkey;
	*ret = k;
	return 0;
}

int signkey_new(struct signkey **ret)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	return pkey ? wrap(ret, pkey) : failed(MO_ENOMEM);
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

static bool is_p256_pair(EVP_PKEY *pkey)
{
	char group[32];
	size_t n = 0;
	if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) != 1 || strcmp(group, GROUP) != 0)
		return false;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx && EVP_PKEY_pairwise_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

int signkey_read(struct signkey **ret, struct span pem)
{
	if (pem.n == 0 || pem.n > PEM_MAX_BYTES)
		return MO_EINVAL;
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!bio)
		return failed(MO_ENOMEM);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (!pkey)
		return failed(MO_EINVAL);
	if (!is_p256_pair(pkey)) {
		EVP_PKEY_free(pkey);
		return failed(MO_EINVAL);
	}
	return wrap(ret, pkey);
}

int signkey_write(const struct signkey *k, struct buf *pem)
{
	/* A memory BIO wipes what it held. */
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	int r = MO_ENOMEM;
	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
		long n = BIO_get_mem_data(bio, &p);
		if (n > 0) {
			buf_add(pem, span_of(p, (size_t)n));
			r = pem->err;
		}
	}
	BIO_free(bio);
	return r ? failed(r) : 0;
}

int signkey_public(const struct signkey *k, struct buf *der)
{
	uint8_t *p = NULL;
	int n = i2d_PUBKEY(k->pkey, &p);
	if (n <= 0)
		return failed(MO_ENOMEM);
	buf_add(der, span_of(p, (size_t)n));
	OPENSSL_free(p);
	return der->err;
}

int signkey_sign(const struct signkey *k, uint8_t out[64], struct span message)
{
	uint8_t der[DER_SIG_MAX_BYTES], raw[2 * HALF_BYTES];
	size_t n = sizeof der;
	const uint8_t *p = der;
	ECDSA_SIG *sig = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const uint8_t *m = message.n ? message.p : (const uint8_t *)"";
	int r = MO_ENOMEM;
	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) != 1 || EVP_DigestSign(ctx, der, &n, m, message.n) != 1)
		goto out;
	sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, HALF_BYTES) != HALF_BYTES ||
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + HALF_BYTES, HALF_BYTES) != HALF_BYTES)
		goto out;
	memcpy(out, raw, sizeof raw);
	r = 0;
out:
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return r ? failed(r) : 0;
}

/* r||s as DER; gives the length, 0 without memory. */
static size_t to_der(uint8_t der[DER_SIG_MAX_BYTES], const uint8_t raw[64])
{
	size_t n = 0;
	uint8_t *p = der;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, HALF_BYTES, NULL), *s = BN_bin2bn(raw + HALF_BYTES, HALF_BYTES, NULL);
	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		int len = i2d_ECDSA_SIG(sig, NULL);
		if (len > 0 && len <= (int)DER_SIG_MAX_BYTES && i2d_ECDSA_SIG(sig, &p) == len)
			n = (size_t)len;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n;
}

int signkey_verify(const struct signkey *k, const uint8_t sig[64], struct span message)
{
	uint8_t der[DER_SIG_MAX_BYTES];
	size_t n = to_der(der, sig);
	EVP_MD_CTX *ctx = n ? EVP_MD_CTX_new() : NULL;
	const uint8_t *m = message.n ? message.p : (const uint8_t *)"";
	int r = MO_ENOMEM;
	if (ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1)
		r = EVP_DigestVerify(ctx, der, n, m, message.n) == 1 ? 0 : MO_ECORRUPT;
	EVP_MD_CTX_free(ctx);
	return r ? failed(r) : 0;
}

void signkey_free(struct signkey *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}
