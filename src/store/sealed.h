/* Sealed files: bytes of any length under one key, in chunks, so that neither side holds more than one of them in memory and no part of a file can be
 * changed, left out, put elsewhere or cut off unseen. Pure; docs/formats/people.md tells the whole.
 *
 *   head, 48 bytes: magic "MoruSeal" | version:u32le 1 | chunk:u32le 2^20 | id of the file:16 | salt:16
 *   chunks: nonce:12 | ciphertext | tag:16, each of 2^20 bytes of plain text, the last of fewer (of none where the file is empty)
 *
 * The key of a file is HMAC-SHA-256(key of the person, "moru person file" | head). Each chunk is sealed (os/aead.h) about head | index:u64le | last:u8,
 * which is what STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015, 7)
 * binds by its nonces. */
#ifndef MO_STORE_SEALED_H
#define MO_STORE_SEALED_H

#include "base/uuid.h"
#include "os/aead.h"

#define SEALED_HEAD 48u
#define SEALED_CHUNK (1u << 20) /* bytes of plain text in a chunk */
#define SEALED_SALT 16u

void sealed_head_write(uint8_t out[SEALED_HEAD], const struct uuid *file, const uint8_t salt[SEALED_SALT]);
/* MO_ECORRUPT: no head. MO_EVERSION: of a newer program. */
MO_MUST_USE int sealed_head_read(struct uuid *ret_file, struct span head);
/* Chunks and plain bytes of a sealed file that is `bytes` long. MO_ECORRUPT: none is. */
MO_MUST_USE int sealed_shape(uint64_t *ret_chunks, uint64_t *ret_plain, uint64_t bytes);
/* The key of a file, from its person's. */
MO_MUST_USE int sealed_key(uint8_t ret[AEAD_KEY], const uint8_t person[AEAD_KEY], const uint8_t head[SEALED_HEAD]);
/* Appends chunk `index`. MO_ELIMIT: over SEALED_CHUNK, or one that is not the last and not whole. Else as aead_seal(). */
MO_MUST_USE int sealed_put(struct buf *out, const uint8_t key[AEAD_KEY], const uint8_t head[SEALED_HEAD], uint64_t index, bool last, struct span plain);
/* Appends what chunk `index` says. MO_ECORRUPT: by another key, of another file, not this one, or changed since. */
MO_MUST_USE int sealed_get(struct buf *out, const uint8_t key[AEAD_KEY], const uint8_t head[SEALED_HEAD], uint64_t index, bool last, struct span chunk);

#endif
