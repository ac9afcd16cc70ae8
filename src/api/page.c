/* The page's own files, and the live stream behind it. */
#include "api/priv/api.h"

#include "base/num.h"
#include "codec/gzip.h"
#include "ui/files.h"
#include <stdio.h>

static const struct ui_file *find(struct span path)
{
	const struct ui_file *f;
	for (size_t i = 0; (f = ui_file_at(i)); i++)
		if (span_is(path, f->path))
			return f;
	return NULL;
}

#define PAGE_ETAG_MAX 80u
#define PAGE_FILE_BYTES_MAX (32u << 20) /* of one file of the page, unpacked */

/* The file's bytes as they are, for who takes no gzip: rare, so they are not kept. */
static int unpack(struct api_call *c, const struct ui_file *f)
{
	struct gunzip *g = NULL;
	struct span piece;
	int err = gunzip_new(&g, PAGE_FILE_BYTES_MAX, 0);
	if (err != 0)
		return diag_set(c->d, err, MSG_OUT_OF_MEMORY);
	gunzip_feed(g, f->bytes);
	gunzip_end(g);
	while ((err = gunzip_next(g, &piece, c->d)) == 0)
		buf_add(&c->out, piece);
	gunzip_free(g);
	if (err == MO_ENOENT)
		err = c->out.err ? diag_set(c->d, c->out.err, MSG_OUT_OF_MEMORY) : 0;
	return err;
}

/* Any address without an ending is a view of the one page. */
int get_page(struct api_call *c)
{
	struct span path = http_head(c->pass.x)->path;
	const struct ui_file *f = find(path);
	size_t slash = path.n;
	while (slash && path.p[slash - 1] != '/')
		slash--;
	if (!f && span_find(path, slash, '.') == path.n)
		f = find(SPAN_LIT("/index.html"));
	if (!f) {
		diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
		diag_value(c->d, path);
		return MO_ENOENT;
	}
	static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
				     "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
	struct gate_field h[9];
	size_t n = 0;
	bool packed = f->gzip && http1_accepts_gzip(http1_header(http_head(c->pass.x), "Accept-Encoding"));
	struct span etag = span_str(f->etag), bytes = f->bytes;
	char plain_etag[PAGE_ETAG_MAX];
	/* Other bytes, so another strong tag (RFC 9110 8.8.3.3). */
	if (f->gzip && !packed && etag.n + sizeof "-plain" <= sizeof plain_etag)
		etag = span_of(plain_etag, (size_t)snprintf(plain_etag, sizeof plain_etag, "%.*s-plain\"", (int)(etag.n - 1), f->etag));
	h[n++] = (struct gate_field){"Content-Type", span_str(f->type)};
	h[n++] = (struct gate_field){"ETag", etag};
	h[n++] = (struct gate_field){"Cache-Control", f->immutable ? SPAN_LIT("public, max-age=31536000, immutable") : SPAN_LIT("no-cache")};
	h[n++] = (struct gate_field){"Content-Security-Policy", span_str(policy)};
	h[n++] = (struct gate_field){"X-Content-Type-Options", SPAN_LIT("nosniff")};
	h[n++] = (struct gate_field){"Referrer-Policy", SPAN_LIT("no-referrer")};
	if (f->gzip)
		h[n++] = (struct gate_field){"Vary", SPAN_LIT("Accept-Encoding")};
	if (packed)
		h[n++] = (struct gate_field){"Content-Encoding", SPAN_LIT("gzip")};
	bool same = span_is(http1_header(http_head(c->pass.x), "If-None-Match"), (const char *)etag.p);
	int err = f->gzip && !packed && !same ? unpack(c, f) : 0;
	if (err != 0)
		return err;
	if (c->out.n)
		bytes = buf_span(&c->out);
	c->answered = true;
	err = gate_reply_ref(&c->pass, same ? 304 : 200, h, n, same ? SPAN_LIT("") : bytes);
	if (err != 0)
		gate_abort(&c->pass);
	return 0;
}

/* topics=values:UUID,UUID;changes;devices */
int get_live(struct api_call *c)
{
	struct span topics = api_param(c, "topics"), last = http1_header(http_head(c->pass.x), "Last-Event-ID");
	series_id *ids = arena_alloc(&c->arena, LIVE_SERIES_MAX * sizeof *ids);
	size_t n = 0;
	bool changes = false, devices = false;
	int64_t after = -1;
	if (!ids)
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (size_t i = 0; i < topics.n;) {
		size_t end = span_find(topics, i, ';');
		struct span t = span_sub(topics, i, end - i);
		i = end + 1;
		changes |= span_is(t, "changes");
		devices |= span_is(t, "devices");
		if (!span_starts(t, "values:"))
			continue;
		for (size_t k = 7; k < t.n;) {
			size_t comma = span_find(t, k, ',');
			struct uuid u;
			if (n < LIVE_SERIES_MAX && uuid_parse(&u, span_sub(t, k, comma - k)) == 0 && sdb_find_uuid(node_sdb(c->node), &u, &ids[n]) == 0)
				n++;
			k = comma + 1;
		}
	}
	if (last.n && num_i64(&after, last) != 0)
		after = -1;
	if (http_head(c->pass.x)->method == HTTP_HEAD) {
		c->content = "text/event-stream";
		return 0;
	}
	int err = live_open(node_live(c->node), &c->pass, ids, n, changes, devices, after);
	if (err == 0)
		c->answered = true;
	else
		diag_set(c->d, err == MO_ELIMIT ? MO_EAGAIN : err, MSG_API_BUSY);
	return err == MO_ELIMIT ? MO_EAGAIN : err;
}
