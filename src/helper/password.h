/* Passwords as salted hashes: scrypt (RFC 7914) in the PHC string format,
 *
 *   $scrypt$ln=15,r=8,p=1$SALT$HASH     ln = log2 N; base64 (RFC 4648, 4) without padding
 *
 * New ones: N = 2^15, r = 8, p = 1 (32 MiB), 16 bytes of salt, 32 of hash.
 * Others are verified with what they say, within the limits below. */
#ifndef MO_HELPER_PASSWORD_H
#define MO_HELPER_PASSWORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define PASSWORD_LN 15u
#define PASSWORD_R 8u
#define PASSWORD_P 1u
#define PASSWORD_SALT_BYTES 16u
#define PASSWORD_HASH_BYTES 32u
/* Of texts that are verified. */
#define PASSWORD_LN_MAX 20u
#define PASSWORD_R_MAX 32u
#define PASSWORD_P_MAX 16u
#define PASSWORD_SALT_BYTES_MAX 64u
#define PASSWORD_HASH_BYTES_MIN 16u
#define PASSWORD_HASH_BYTES_MAX 64u

/* Appends the hash's text to out. MO_ENOMEM, MO_EIO (no randomness), MO_ELIMIT (over HELPER_PASSWORD_MAX). */
MO_MUST_USE int password_hash(struct buf *out, struct span password);
/* *ret: whether it is the password; compared in time that does not depend on the bytes. MO_EINVAL: `text` is not such a hash. */
MO_MUST_USE int password_verify(bool *ret, struct span text, struct span password);

#endif
