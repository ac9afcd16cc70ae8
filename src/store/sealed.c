#include "store/sealed.h"

#include "os/crypto.h"

#define VERSION 1u
#define ABOUT (SEALED_HEAD + 9u)
#define WHOLE ((uint64_t)SEALED_CHUNK + AEAD_OVER)
static const char magic[] = "MoruSeal";
static const char key_of[] = "moru person file";

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

void sealed_head_write(uint8_t out[SEALED_HEAD], const struct uuid *file, const uint8_t salt[SEALED_SALT])
{
	memcpy(out, magic, 8);
	put32(out + 8, VERSION);
	put32(out + 12, SEALED_CHUNK);
	memcpy(out + 16, file->b, 16);
	memcpy(out + 32, salt, SEALED_SALT);
}

int sealed_head_read(struct uuid *ret_file, struct span head)
{
	if (head.n < SEALED_HEAD || memcmp(head.p, magic, 8) != 0)
		return MO_ECORRUPT;
	struct rd r = rd_of(span_sub(head, 8, 8));
	uint32_t version = rd_u32(&r), chunk = rd_u32(&r);
	if (version > VERSION)
		return MO_EVERSION;
	if (version != VERSION || chunk != SEALED_CHUNK)
		return MO_ECORRUPT;
	memcpy(ret_file->b, head.p + 16, 16);
	return 0;
}

int sealed_shape(uint64_t *ret_chunks, uint64_t *ret_plain, uint64_t bytes)
{
	if (bytes <= SEALED_HEAD)
		return MO_ECORRUPT;
	uint64_t body = bytes - SEALED_HEAD, whole = body / WHOLE, rest = body % WHOLE;
	/* Only an empty file has an empty chunk. */
	if (rest && (rest < AEAD_OVER || (rest == AEAD_OVER && whole)))
		return MO_ECORRUPT;
	*ret_chunks = whole + (rest != 0);
	*ret_plain = whole * SEALED_CHUNK + (rest ? rest - AEAD_OVER : 0);
	return 0;
}

int sealed_key(uint8_t ret[AEAD_KEY], const uint8_t person[AEAD_KEY], const uint8_t head[SEALED_HEAD])
{
	uint8_t text[sizeof key_of - 1 + SEALED_HEAD];
	memcpy(text, key_of, sizeof key_of - 1);
	memcpy(text + sizeof key_of - 1, head, SEALED_HEAD);
	return aead_hmac(ret, person, span_of(text, sizeof text));
}

static struct span about(uint8_t out[ABOUT], const uint8_t head[SEALED_HEAD], uint64_t index, bool last)
{
	memcpy(out, head, SEALED_HEAD);
	put32(out + SEALED_HEAD, (uint32_t)index);
	put32(out + SEALED_HEAD + 4, (uint32_t)(index >> 32));
	out[SEALED_HEAD + 8] = last;
	return span_of(out, ABOUT);
}

int sealed_put(struct buf *out, const uint8_t key[AEAD_KEY], const uint8_t head[SEALED_HEAD], uint64_t index, bool last, struct span plain)
{
	uint8_t a[ABOUT];
	if (plain.n > SEALED_CHUNK || (!last && plain.n < SEALED_CHUNK))
		return MO_ELIMIT;
	return aead_seal(out, key, about(a, head, index, last), plain);
}

int sealed_get(struct buf *out, const uint8_t key[AEAD_KEY], const uint8_t head[SEALED_HEAD], uint64_t index, bool last, struct span chunk)
{
	uint8_t a[ABOUT];
	return chunk.n > WHOLE ? MO_ECORRUPT : aead_open(out, key, about(a, head, index, last), chunk);
}
