/* The file of keys: people.h tells its form. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/crypto.h"
#include "store/people.h"

#define VERSION 1u
static const char magic[] = "MoruKeys";

bool people_is_pseudonym(struct span t)
{
	if (t.n != PSEUDONYM_TEXT - 1 || t.p[0] != 'P' || t.p[1] != '-')
		return false;
	for (size_t i = 2; i < t.n; i++) {
		uint8_t c = t.p[i];
		bool letter = c >= 'A' && c <= 'Z' && c != 'I' && c != 'L' && c != 'O' && c != 'U';
		if (!letter && (c < '0' || c > '9'))
			return false;
	}
	return true;
}

int people_keys_write(struct buf *out, const struct people_key *keys, size_t n)
{
	uint8_t digest[32];
	size_t begin = out->n;
	if (n > PEOPLE_MAX)
		return MO_ELIMIT;
	buf_add(out, span_of(magic, 8));
	buf_u32(out, VERSION);
	buf_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		size_t at = out->n;
		buf_add(out, span_of(keys[i].person.b, sizeof keys[i].person.b));
		buf_add(out, span_of(keys[i].key, AEAD_KEY));
		if (!out->err)
			buf_u32(out, crc32c(0, span_sub(buf_span(out), at, PEOPLE_ENTRY - 4)));
	}
	if (out->err)
		return out->err;
	int err = sha256_of(digest, span_sub(buf_span(out), begin, out->n - begin));
	if (err)
		return err;
	buf_add(out, span_of(digest, sizeof digest));
	return out->err;
}

int people_keys_read(struct people_key **ret, size_t *ret_n, bool *ret_damaged, struct span file)
{
	uint8_t digest[32];
	if (file.n < PEOPLE_HEAD || file.n > PEOPLE_FILE_MAX || memcmp(file.p, magic, 8) != 0)
		return MO_ECORRUPT;
	struct rd r = rd_of(span_sub(file, 8, file.n - 8));
	uint32_t version = rd_u32(&r), count = rd_u32(&r);
	if (version > VERSION)
		return MO_EVERSION;
	size_t whole = file.n - PEOPLE_HEAD, n = whole / PEOPLE_ENTRY; /* of a file that was cut, those that are whole */
	if (count < n)
		n = count;
	struct people_key *keys = calloc(n ? n : 1, sizeof *keys);
	if (!keys)
		return MO_ENOMEM;
	bool damaged = version == 0 || count > PEOPLE_MAX || whole != (size_t)count * PEOPLE_ENTRY + sizeof digest;
	if (!damaged) {
		int err = sha256_of(digest, span_sub(file, 0, file.n - sizeof digest));
		if (err) {
			people_keys_free(keys, n);
			return err;
		}
		damaged = memcmp(digest, file.p + file.n - sizeof digest, sizeof digest) != 0;
	}
	size_t good = 0;
	for (size_t i = 0; i < n; i++) {
		struct span e = span_sub(file, PEOPLE_HEAD + i * PEOPLE_ENTRY, PEOPLE_ENTRY);
		struct rd sum = rd_of(span_sub(e, PEOPLE_ENTRY - 4, 4));
		if (crc32c(0, span_sub(e, 0, PEOPLE_ENTRY - 4)) != rd_u32(&sum)) {
			damaged = true;
			continue;
		}
		memcpy(keys[good].person.b, e.p, sizeof keys[good].person.b);
		memcpy(keys[good++].key, e.p + sizeof keys[0].person.b, AEAD_KEY);
	}
	*ret = keys;
	*ret_n = good;
	*ret_damaged = damaged;
	return 0;
}

void people_keys_free(struct people_key *keys, size_t n)
{
	if (keys)
		crypto_wipe(keys, (n ? n : 1) * sizeof *keys);
	free(keys);
}
