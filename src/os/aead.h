/* Sealing bytes under a key, and keyed digests (OpenSSL 3 below). */
#ifndef MO_OS_AEAD_H
#define MO_OS_AEAD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define AEAD_KEY 32u
#define AEAD_NONCE 12u
#define AEAD_TAG 16u
#define AEAD_OVER (AEAD_NONCE + AEAD_TAG) /* bytes that sealing adds */
#define AEAD_PLAIN_MAX (16u << 20)

/* AES-256-GCM (NIST SP 800-38D) with a fresh random nonce: appends nonce | ciphertext | tag. `about` is bound to it and not
 * kept. MO_ELIMIT: over AEAD_PLAIN_MAX; MO_EIO: no randomness; MO_ENOMEM. After an error out is as it was. */
MO_MUST_USE int aead_seal(struct buf *out, const uint8_t key[AEAD_KEY], struct span about, struct span plain);
/* Appends what was sealed. MO_ECORRUPT: not by this key, not about this, or changed since; then out is as it was. */
MO_MUST_USE int aead_open(struct buf *out, const uint8_t key[AEAD_KEY], struct span about, struct span sealed);
/* HMAC-SHA-256 (RFC 2104). */
MO_MUST_USE int aead_hmac(uint8_t out[32], const uint8_t key[AEAD_KEY], struct span message);

#endif
