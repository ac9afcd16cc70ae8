#include "os/aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "os/crypto.h"

/* OpenSSL keeps a queue of reasons per thread; nobody reads it here, so it must not grow. */
static int failed(int err)
{
	ERR_clear_error();
	return err;
}

static const uint8_t *bytes(struct span s) { return s.n ? s.p : (const uint8_t *)""; }

static int seal(EVP_CIPHER_CTX *ctx, uint8_t *to, const uint8_t *key, struct span about, struct span plain)
{
	int n = 0;
	uint8_t *nonce = to, *text = to + AEAD_NONCE, *tag = text + plain.n;
	if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) != 1 || EVP_EncryptUpdate(ctx, NULL, &n, bytes(about), (int)about.n) != 1 ||
		EVP_EncryptUpdate(ctx, text, &n, bytes(plain), (int)plain.n) != 1 || EVP_EncryptFinal_ex(ctx, text + plain.n, &n) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, (int)AEAD_TAG, tag) != 1)
		return failed(MO_ENOMEM);
	return 0;
}

int aead_seal(struct buf *out, const uint8_t key[AEAD_KEY], struct span about, struct span plain)
{
	if (plain.n > AEAD_PLAIN_MAX || about.n > AEAD_PLAIN_MAX)
		return MO_ELIMIT;
	uint8_t *to = buf_reserve(out, plain.n + AEAD_OVER);
	if (!to)
		return out->err;
	int err = os_random(to, AEAD_NONCE);
	if (err)
		return err;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	err = ctx ? seal(ctx, to, key, about, plain) : failed(MO_ENOMEM);
	EVP_CIPHER_CTX_free(ctx);
	if (!err)
		out->n += plain.n + AEAD_OVER;
	return err;
}

static int open_it(EVP_CIPHER_CTX *ctx, uint8_t *to, const uint8_t *key, struct span about, struct span sealed)
{
	int n = 0;
	const uint8_t *text = sealed.p + AEAD_NONCE;
	size_t size = sealed.n - AEAD_OVER;
	uint8_t tag[AEAD_TAG];
	memcpy(tag, text + size, AEAD_TAG);
	if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed.p) != 1 || EVP_DecryptUpdate(ctx, NULL, &n, bytes(about), (int)about.n) != 1 ||
		EVP_DecryptUpdate(ctx, to, &n, text, (int)size) != 1 || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, (int)AEAD_TAG, tag) != 1)
		return failed(MO_ENOMEM);
	return EVP_DecryptFinal_ex(ctx, to + size, &n) == 1 ? 0 : failed(MO_ECORRUPT);
}

int aead_open(struct buf *out, const uint8_t key[AEAD_KEY], struct span about, struct span sealed)
{
	if (sealed.n < AEAD_OVER || sealed.n > AEAD_PLAIN_MAX + AEAD_OVER || about.n > AEAD_PLAIN_MAX)
		return MO_ECORRUPT;
	size_t size = sealed.n - AEAD_OVER;
	uint8_t *to = buf_reserve(out, size + 1); /* a place for nothing, too */
	if (!to)
		return out->err;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int err = ctx ? open_it(ctx, to, key, about, sealed) : failed(MO_ENOMEM);
	EVP_CIPHER_CTX_free(ctx);
	if (!err)
		out->n += size;
	else
		crypto_wipe(to, size); /* what was not authentic is not left about */
	return err;
}

int aead_hmac(uint8_t out[32], const uint8_t key[AEAD_KEY], struct span message)
{
	unsigned n = 0;
	return HMAC(EVP_sha256(), key, (int)AEAD_KEY, bytes(message), message.n, out, &n) && n == 32 ? 0 : failed(MO_ENOMEM);
}
