#include "os/crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "os/priv/oserr.h"

int os_random(void *p, size_t n)
{
	uint8_t *at = p;
	while (n) {
		ssize_t k = getrandom(at, n, 0);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return MO_EIO;
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int os_uuid(struct uuid *ret, int64_t t_ns)
{
	uint8_t random[10];
	int r = os_random(random, sizeof random);
	if (!r)
		*ret = uuid_v7(t_ns, random);
	return r;
}

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* OpenSSL keeps a queue of reasons per thread; nobody reads it here, so it must not grow. */
static int failed(int err)
{
	ERR_clear_error();
	return err;
}

int sha256_new(struct sha256 **ret)
{
	struct sha256 *h = malloc(sizeof *h);
	if (!h)
		return MO_ENOMEM;
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
		sha256_free(h);
		return failed(MO_ENOMEM);
	}
	*ret = h;
	return 0;
}

int sha256_update(struct sha256 *h, struct span s)
{
	if (s.n == 0)
		return 0;
	return EVP_DigestUpdate(h->ctx, s.p, s.n) == 1 ? 0 : failed(MO_ENOMEM);
}

int sha256_final(struct sha256 *h, uint8_t out[32])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (EVP_DigestFinal_ex(h->ctx, digest, &n) != 1 || n != 32 || EVP_DigestInit_ex(h->ctx, NULL, NULL) != 1)
		return failed(MO_ENOMEM);
	memcpy(out, digest, 32);
	return 0;
}

void sha256_free(struct sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

int sha256_of(uint8_t out[32], struct span s)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (EVP_Digest(s.n ? (const void *)s.p : "", s.n, digest, &n, EVP_sha256(), NULL) != 1 || n != 32)
		return failed(MO_ENOMEM);
	memcpy(out, digest, 32);
	return 0;
}

bool crypto_equal(struct span a, struct span b) { return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0); }

void crypto_wipe(void *p, size_t n) { OPENSSL_cleanse(p, n); }

int os_scrypt(uint8_t *out, size_t out_n, struct span password, struct span salt, uint64_t N, uint32_t r, uint32_t p)
{
	if (out_n == 0 || N < 2 || (N & (N - 1)) || r == 0 || p == 0)
		return MO_EINVAL;
	/* RFC 7914, section 2: p <= (2^32 - 1) * 32 / (128 r). */
	if (out_n > (UINT64_C(0xffffffff) * 32) || (uint64_t)p * r > (UINT64_C(1) << 30) - 1)
		return MO_EINVAL;
	uint64_t block = UINT64_C(128) * r; /* < 2^39 */
	if (N > SCRYPT_MEMORY_MAX_BYTES / block || p > SCRYPT_MEMORY_MAX_BYTES / block)
		return MO_ELIMIT;
	/* V, B, and the two working blocks with what they need beside. */
	uint64_t need = block * N + block * p + block * 2 + 4096;
	const char *pass = password.n ? (const char *)password.p : "";
	const uint8_t *s = salt.n ? salt.p : (const uint8_t *)"";
	if (EVP_PBE_scrypt(pass, password.n, s, salt.n, N, r, p, need, out, out_n) != 1)
		return failed(MO_ENOMEM);
	return 0;
}
