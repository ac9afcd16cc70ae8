/* Any bytes as a snapshot's manifest, as they are and with a digest that fits, so that all that lies behind it is reached: what is taken names no
 * path outside, is written again, and reads back the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/archive.h"
#include "os/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void same(const struct archive_snapshot *a, const struct archive_snapshot *b)
{
	if (a->n != b->n || strcmp(a->id, b->id) != 0 || !uuid_eq(&a->node, &b->node) || a->t_ns != b->t_ns || a->keys != b->keys)
		abort();
	for (size_t i = 0; i < a->n; i++) {
		const struct archive_file *x = &a->file[i], *y = &b->file[i];
		if (strcmp(x->path, y->path) != 0 || strcmp(x->key, y->key) != 0 || x->size_bytes != y->size_bytes || x->chunk_bytes != y->chunk_bytes ||
			x->secret != y->secret || memcmp(x->sha256, y->sha256, 32) != 0)
			abort();
	}
}

static void take(struct span text)
{
	struct archive_snapshot s, again;
	struct diag d = {0};
	struct buf out;
	if (archive_manifest_read(&s, text, "m", &d) != 0) {
		if (d.msg == MSG_NONE)
			abort();
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		if (!archive_is_path(span_str(s.file[i].path)) || strstr(s.file[i].path, "..") == s.file[i].path)
			abort();
	buf_init(&out, 0);
	if (archive_manifest_write(&s, &out) != 0 || archive_manifest_read(&again, buf_span(&out), "m", NULL) != 0)
		abort();
	same(&s, &again);
	archive_snapshot_free(&again);
	archive_snapshot_free(&s);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t digest[32];
	struct buf b;
	take(span_of(p, n));
	buf_init(&b, 0);
	buf_add(&b, span_of(p, n));
	if (sha256_of(digest, span_of(p, n)) != 0)
		abort();
	buf_adds(&b, ",\"sha256\":\"");
	for (size_t i = 0; i < 32; i++)
		buf_printf(&b, "%02x", digest[i]);
	buf_adds(&b, "\"}\n");
	if (!b.err)
		take(buf_span(&b));
	buf_free(&b);
	return 0;
}
