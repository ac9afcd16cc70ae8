/* Hashes, randomness, keys (OpenSSL 3 below, nobody else calls it). */
#ifndef MO_OS_CRYPTO_H
#define MO_OS_CRYPTO_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "base/uuid.h"

/* From the operating system; MO_EIO when it has none. */
MO_MUST_USE int os_random(void *p, size_t n);
/* Version 7 with the given time and fresh randomness. */
MO_MUST_USE int os_uuid(struct uuid *ret, int64_t t_ns);

struct sha256;
MO_MUST_USE int sha256_new(struct sha256 **ret);
MO_MUST_USE int sha256_update(struct sha256 *h, struct span s);
/* Gives the digest and resets for another. */
MO_MUST_USE int sha256_final(struct sha256 *h, uint8_t out[32]);
void sha256_free(struct sha256 *h);
MO_MUST_USE int sha256_of(uint8_t out[32], struct span s);
/* Equal in time that does not depend on the content. */
bool crypto_equal(struct span a, struct span b);
/* Zeros that the compiler may not leave out. */
void crypto_wipe(void *p, size_t n);

/* P-256 signing key (the node's identity). PEM PKCS#8 in and out. A key may be used by several threads.
 * signkey_read: MO_EINVAL for anything but one whole, unencrypted P-256 private key. signkey_write: pem holds a
 * secret; wipe it (crypto_wipe) when done. */
struct signkey;
MO_MUST_USE int signkey_new(struct signkey **ret);
MO_MUST_USE int signkey_read(struct signkey **ret, struct span pem);
MO_MUST_USE int signkey_write(const struct signkey *k, struct buf *pem);
/* Public part as SubjectPublicKeyInfo DER. */
MO_MUST_USE int signkey_public(const struct signkey *k, struct buf *der);
/* ECDSA with SHA-256, raw r||s (64 bytes, as JWS ES256). */
MO_MUST_USE int signkey_sign(const struct signkey *k, uint8_t out[64], struct span message);
/* MO_ECORRUPT: not this key's signature of this message. */
MO_MUST_USE int signkey_verify(const struct signkey *k, const uint8_t sig[64], struct span message);
void signkey_free(struct signkey *k);

/* scrypt (RFC 7914); for the helper only, it takes N*r*128 bytes. MO_EINVAL: N not a power of two over 1, or r, p out of
 * the RFC's range; MO_ELIMIT: over SCRYPT_MEMORY_MAX_BYTES. */
#define SCRYPT_MEMORY_MAX_BYTES (UINT64_C(1) << 30)
MO_MUST_USE int os_scrypt(uint8_t *out, size_t out_n, struct span password, struct span salt, uint64_t N, uint32_t r, uint32_t p);

#endif
