/* Exports by HTTP. POST /api/v1/export is what `moru export` asks when the
 * folder is served: it names the file, so it is for the folder's own socket
 * alone. The page begins one into DIR/exports and fetches it from there: the
 * file is read on a worker and goes out piece by piece, as fast as the other
 * side takes it. */
#include <stdio.h>
#include <stdlib.h>

#include "api/export_readme.h"
#include "api/priv/api.h"
#include "codec/text.h"
#include "node/exports.h"

#define PIECE_BYTES (128u << 10)

/* ---- asking ---- */

/* "A,B": each code percent-encoded once more, as it may hold a comma. */
static int read_assets(struct api_call *c, struct span **ret, size_t *ret_n)
{
	struct span text = api_param(c, "assets");
	struct span *s = arena_alloc(&c->arena, (EXPORT_ASSETS_MAX + 1) * sizeof *s);
	size_t n = 0;
	if (!s)
		return MO_ENOMEM;
	for (size_t i = 0; i < text.n && n <= EXPORT_ASSETS_MAX;) {
		size_t end = span_find(text, i, ',');
		int err = api_decode(&s[n], &c->arena, span_sub(text, i, end - i), false);
		if (err != 0)
			return err == MO_ENOMEM ? err : diag_set(c->d, MO_EINVAL, MSG_API_QUERY);
		n++;
		i = end + 1;
	}
	*ret = s;
	*ret_n = n; /* one too many is refused by who is asked */
	return 0;
}

static int read_ask(struct api_call *c, struct exports_ask *ask)
{
	struct span *assets = NULL;
	struct accounts_actor by = api_actor(c);
	*ask = (struct exports_ask){.who = by.who, .from = by.from, .readme_ko = api_export_readme(true), .readme_en = api_export_readme(false)};
	int err = api_param_time(c, "from", INT64_MIN, &ask->from_ns);
	if (err == 0)
		err = api_param_time(c, "to", INT64_MAX, &ask->to_ns);
	if (err == 0)
		err = read_assets(c, &assets, &ask->n_assets);
	ask->assets = assets;
	return err;
}

static bool is_over(void *arg) { return atomic_load(&((struct api_call *)arg)->dead); }

static void write_report(struct json_writer *w, const struct export_report *r)
{
	jw_key(w, "files");
	jw_u64(w, r->files);
	jw_key(w, "values");
	jw_u64(w, r->values);
	jw_key(w, "records");
	jw_u64(w, r->records);
	jw_key(w, "unreadable");
	jw_u64(w, r->unreadable);
	jw_key(w, "bytes");
	jw_u64(w, r->bytes);
}

static void done(void *arg, int err, const struct export_report *r, const struct diag *d)
{
	struct api_call *c = arg;
	struct json_writer *w = &c->w;
	struct buf hex;
	if (err != 0) {
		*c->d = *d;
		api_finish(c, err);
		return;
	}
	buf_init(&hex, 0);
	hex_encode(&hex, span_of(r->sha256, 32));
	jw_object(w);
	write_report(w, r);
	jw_key(w, "sha256");
	jw_str(w, buf_span(&hex));
	jw_object_end(w);
	err = hex.err;
	buf_free(&hex);
	api_finish(c, err);
}

/* Another one that runs is no trouble of the node's. */
static int run(struct api_call *c, const struct exports_ask *ask, char name[EXPORTS_NAME])
{
	int err = exports_run(node_exports(c->node), ask, name, c->d);
	if (err == MO_EAGAIN)
		c->status = 409;
	return err;
}

int post_export(struct api_call *c)
{
	struct exports_ask ask;
	char name[EXPORTS_NAME];
	if (!http_from_unix(c->pass.x))
		return diag_set(c->d, MO_EDENIED, MSG_EXPORT_BY_SOCKET);
	int err = read_ask(c, &ask);
	if (err != 0)
		return err;
	ask.path = api_param(c, "path");
	if (ask.path.n == 0)
		return api_missing(c, "path");
	ask.stop = is_over;
	ask.done = done;
	ask.arg = c;
	return run(c, &ask, name);
}

int post_exports(struct api_call *c)
{
	struct exports_ask ask;
	char name[EXPORTS_NAME];
	int err = read_ask(c, &ask);
	if (err == 0)
		err = run(c, &ask, name);
	if (err != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "name");
	jw_cstr(&c->w, name);
	jw_object_end(&c->w);
	api_finish(c, 0);
	return 0;
}

/* ---- what there is ---- */

struct listing {
	struct api_call *c;
	char (*name)[EXPORTS_NAME];
	size_t n;
};

static int on_name(void *arg, const char *name)
{
	struct listing *l = arg;
	if (exports_is_name(span_str(name)) && l->n < EXPORTS_FILES_MAX)
		memcpy(l->name[l->n++], name, strlen(name) + 1);
	return 0;
}

static int newest_first(const void *a, const void *b) { return strcmp(b, a); }

static void write_files(struct api_call *c, struct listing *l)
{
	struct exports *e = node_exports(c->node);
	qsort(l->name, l->n, EXPORTS_NAME, newest_first);
	for (size_t i = 0; i < l->n; i++) {
		struct vfs_stat st;
		char *path = exports_path(e, span_str(l->name[i]));
		if (path && vfs_stat(node_vfs(c->node), path, &st) == 0) {
			jw_object(&c->w);
			jw_key(&c->w, "name");
			jw_cstr(&c->w, l->name[i]);
			jw_key(&c->w, "bytes");
			jw_u64(&c->w, st.size_bytes);
			jw_key(&c->w, "made");
			jw_time(&c->w, st.mtime_ns);
			jw_key(&c->w, "until");
			jw_time(&c->w, st.mtime_ns + EXPORTS_KEEP_NS);
			jw_object_end(&c->w);
		}
		free(path);
	}
}

int get_exports(struct api_call *c)
{
	struct json_writer *w = &c->w;
	struct exports_state s;
	struct listing l = {.c = c, .name = arena_alloc(&c->arena, EXPORTS_FILES_MAX * EXPORTS_NAME)};
	char *dir = folder_path(node_folder(c->node), "exports");
	int err = dir && l.name ? vfs_list(node_vfs(c->node), dir, on_name, &l) : MO_ENOMEM;
	free(dir);
	if (err != 0 && err != MO_ENOENT)
		return err;
	exports_state(node_exports(c->node), &s);
	jw_object(w);
	jw_key(w, "running");
	if (s.running) {
		jw_object(w);
		jw_key(w, "name");
		jw_cstr(w, s.name[0] ? s.name : NULL);
		write_report(w, &s.so_far);
		jw_object_end(w);
	} else {
		jw_null(w);
	}
	jw_key(w, "failed");
	if (s.failed && s.why.n)
		jw_raw(w, buf_span(&s.why));
	else
		jw_null(w);
	jw_key(w, "keep_hours");
	jw_i64(w, EXPORTS_KEEP_NS / (3600 * NS_PER_S));
	jw_key(w, "items");
	jw_array(w);
	write_files(c, &l);
	jw_array_end(w);
	jw_object_end(w);
	err = s.why.err;
	buf_free(&s.why);
	return err;
}

static int no_such(struct api_call *c)
{
	diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
	diag_value(c->d, api_param(c, "name"));
	return MO_ENOENT;
}

int delete_export(struct api_call *c)
{
	struct span name = api_param(c, "name");
	c->status = 204;
	if (exports_cancel(node_exports(c->node), name))
		return 0;
	if (!exports_is_name(name))
		return no_such(c);
	char *path = exports_path(node_exports(c->node), name);
	int err = path ? vfs_unlink(node_vfs(c->node), path) : MO_ENOMEM;
	free(path);
	return err == MO_ENOENT ? no_such(c) : err;
}

/* ---- fetching ---- */

struct fetch {
	struct vfs_file *file;
	char *path;
	uint64_t at, size;
	size_t n;
	int err;
	bool begun, waits; /* loop thread; waits: for the other side to take more */
	uint8_t piece[PIECE_BYTES];
};

static void fetch_let_go(struct api_call *c)
{
	struct fetch *f = c->own;
	vfs_close(f->file);
	free(f->path);
	free(f);
}

static void fetch_more(struct api_call *c);

/* Loop thread: one piece is there, or the end, or an error. */
static void fetch_give(void *arg)
{
	struct api_call *c = arg;
	struct fetch *f = c->own;
	char disposition[EXPORTS_NAME + 32];
	struct gate_field fields[] = {{"Content-Type", SPAN_LIT("application/zip")}, {"Cache-Control", SPAN_LIT("no-store")}, {"Content-Disposition", {0}}};
	if (c->dead || (f->err != 0 && !f->begun)) {
		api_finish(c, f->err != 0 ? f->err : MO_ECANCELED);
		return;
	}
	c->away = false; /* when the connection breaks from here on, the call may go */
	c->answered = true;
	int err = f->err;
	if (err == 0 && !f->begun) {
		int n = snprintf(disposition, sizeof disposition, "attachment; filename=\"%.*s\"", (int)api_param(c, "name").n, (const char *)api_param(c, "name").p);
		fields[2].value = span_of(disposition, (size_t)n);
		err = gate_begin(&c->pass, 200, fields, 3);
		f->begun = true;
	}
	if (err == 0 && f->n)
		err = gate_piece(&c->pass, span_of(f->piece, f->n));
	if (err == MO_EAGAIN) {
		f->waits = true;
		return;
	}
	if (err == 0 && f->at == f->size)
		err = gate_end(&c->pass);
	else if (err == 0)
		fetch_more(c);
	if (err != 0)
		gate_abort(&c->pass);
}

static void fetch_drained(struct api_call *c)
{
	struct fetch *f = c->own;
	if (!f->waits)
		return;
	f->waits = false;
	if (f->at < f->size) {
		fetch_more(c);
	} else if (gate_end(&c->pass) != 0) {
		gate_abort(&c->pass);
	}
}

static void fetch_read(struct work *w, struct store_reader *r)
{
	struct api_call *c = (struct api_call *)w;
	struct fetch *f = c->own;
	(void)r;
	f->n = 0;
	if (!f->file) {
		f->err = vfs_open(node_vfs(c->node), &f->file, f->path, VFS_READ, NULL);
		if (f->err == MO_ENOENT)
			(void)no_such(c);
		if (f->err == 0)
			f->err = vfs_size(f->file, &f->size);
	}
	if (f->err == 0) {
		f->n = f->size - f->at < PIECE_BYTES ? (size_t)(f->size - f->at) : PIECE_BYTES;
		f->err = vfs_read_full(f->file, f->piece, f->n, f->at);
		f->at += f->n;
	}
	c->post.fn = fetch_give;
	c->post.arg = c;
	loop_post(node_loop(c->node), &c->post);
}

static void fetch_more(struct api_call *c)
{
	c->away = true;
	c->work.fn = fetch_read;
	if (node_work(c->node, &c->work) != 0) {
		c->away = false;
		gate_abort(&c->pass);
	}
}

int get_export_file(struct api_call *c)
{
	struct span name = api_param(c, "name");
	if (!exports_is_name(name))
		return no_such(c);
	struct fetch *f = calloc(1, sizeof *f);
	if (!f)
		return MO_ENOMEM;
	c->own = f;
	c->let_go = fetch_let_go;
	c->drained = fetch_drained;
	c->work.fn = fetch_read;
	if (!(f->path = exports_path(node_exports(c->node), name)))
		return MO_ENOMEM;
	return node_work(c->node, &c->work);
}
