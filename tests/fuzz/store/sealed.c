/* Any bytes as a sealed file under a key that is known here, whole as its reader takes it: it is refused, or its shape says how long it is. And as bytes to
 * be sealed: they come back, and with any one bit changed they do not. */
#include <stdlib.h>
#include <string.h>

#include "store/sealed.h"

static const uint8_t person[AEAD_KEY] = "the key of a person, for a test.";

/* The file's one or more chunks, appended to out. */
static int open_all(struct buf *out, struct span file)
{
	uint64_t chunks = 0, plain = 0;
	uint8_t key[AEAD_KEY];
	struct uuid id;
	int err = sealed_head_read(&id, file);
	if (!err)
		err = sealed_shape(&chunks, &plain, file.n);
	if (!err)
		err = sealed_key(key, person, file.p);
	const size_t whole = SEALED_CHUNK + AEAD_OVER;
	for (uint64_t i = 0; i < chunks && !err; i++)
		err = sealed_get(out, key, file.p, i, i + 1 == chunks, span_sub(file, SEALED_HEAD + (size_t)i * whole, whole));
	if (!err && out->n != plain)
		abort();
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t salt[SEALED_SALT] = {7};
	struct uuid id = {{1}};
	uint8_t head[SEALED_HEAD], key[AEAD_KEY];
	struct buf file, out;
	buf_init(&file, 0);
	buf_init(&out, 0);
	int err = open_all(&out, span_of(data, size));
	if (err && err != MO_ECORRUPT && err != MO_EVERSION && err != MO_ENOMEM)
		abort();
	if (err && out.n % SEALED_CHUNK)
		abort();
	buf_reset(&out);
	sealed_head_write(head, &id, salt);
	buf_add(&file, span_of(head, sizeof head));
	size_t bit = size > 2 ? ((size_t)data[0] << 8 | data[1]) : size, n = size > 2 && size < SEALED_CHUNK ? size - 2 : 0;
	if (sealed_key(key, person, head) || sealed_put(&file, key, head, 0, true, span_of(data + (n ? 2 : 0), n)))
		abort();
	if (open_all(&out, buf_span(&file)) || out.n != n || (n && memcmp(out.p, data + 2, n) != 0))
		abort();
	buf_reset(&out);
	file.p[bit / 8 % file.n] ^= (uint8_t)(1u << bit % 8);
	if (open_all(&out, buf_span(&file)) == 0 || out.n)
		abort();
	buf_free(&file);
	buf_free(&out);
	return 0;
}
