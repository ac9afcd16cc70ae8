/* The page's own files, and the live stream behind it. */
#include "api/priv/api.h"

#include "base/num.h"
#include "ui/files.h"

static const struct ui_file *find(struct span path)
{
	const struct ui_file *f;
	for (size_t i = 0; (f = ui_file_at(i)); i++)
		if (span_is(path, f->path))
			return f;
	return NULL;
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
	struct gate_field h[8];
	size_t n = 0;
	h[n++] = (struct gate_field){"Content-Type", span_str(f->type)};
	h[n++] = (struct gate_field){"ETag", span_str(f->etag)};
	h[n++] = (struct gate_field){"Cache-Control", f->immutable ? SPAN_LIT("public, max-age=31536000, immutable") : SPAN_LIT("no-cache")};
	h[n++] = (struct gate_field){"Content-Security-Policy", span_str(policy)};
	h[n++] = (struct gate_field){"X-Content-Type-Options", SPAN_LIT("nosniff")};
	h[n++] = (struct gate_field){"Referrer-Policy", SPAN_LIT("no-referrer")};
	if (f->gzip)
		h[n++] = (struct gate_field){"Content-Encoding", SPAN_LIT("gzip")};
	bool same = span_is(http1_header(http_head(c->pass.x), "If-None-Match"), f->etag);
	c->answered = true;
	int err = gate_reply_ref(&c->pass, same ? 304 : 200, h, n, same ? SPAN_LIT("") : f->bytes);
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
