/* moru import: by the running node's socket when the folder is served, else in
 * this process. Both print the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/importer.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "http/client.h"
#include "node/node.h"
#include "os/clock.h"

#define POLL_NS 20000000L
#define ANSWER_MS 3600000
#define PIECE_BYTES (256u << 10)
#define FILES_MAX 100000u /* of one folder */
#define DEPTH_MAX 16u     /* folders in folders */

struct totals {
	int status;
};
struct door {
	struct cmd *c;
	struct node *node; /* NULL: by the socket */
	struct httpc *http;
	const char *folder;
	char *sock;
	const char *asset; /* as the person named it; NULL: as proposed */
	bool reached; /* somebody was at the socket */
	bool at_work; /* another command holds the folder: nothing can be taken in */
	struct store_reader *reader;
	struct totals t;
	struct diag *d;
	bool said; /* what is wrong with this file was told already */
};

/* ---- what is printed ---- */
static int64_t number(const struct json_value *o, const char *name)
{
	int64_t n = 0;
	return json_get_i64(o, name, &n, NULL) == 0 ? n : 0;
}

static struct span text(const struct json_value *o, const char *name)
{
	struct span s = {(const uint8_t *)"", 0};
	return json_get_str(o, name, &s, NULL) == 0 ? s : span_str("");
}

static void print_errors(const struct cmd *c, const struct json_value *result, int64_t refused)
{
	const struct json_value *list = json_member(result, "errors");
	for (const struct json_value *e = list ? list->child : NULL; e; e = e->next, refused--) {
		struct span words = text(json_member(e, "detail"), c->lang == WORDS_KO ? "ko" : "en");
		printf(cmd_text(c, "  거부: %.*s\n", "  refused: %.*s\n"), SPAN_FMT(words));
	}
	if (refused > 0)
		printf(cmd_text(c, "  거부: 그 밖에 %lld행\n", "  refused: and %lld more\n"), (long long)refused);
}

/* The rows that changed what was there; those that were there already are only counted. */
static void print_replaced(const struct cmd *c, const struct json_value *result)
{
	const struct json_value *list = json_member(result, "replaced_rows");
	int64_t changed = number(result, "replaced") - number(result, "same"), listed = 0;
	for (const struct json_value *e = list ? list->child : NULL; e && changed; e = e->next) {
		bool same = false;
		if (json_get_bool(e, "same", &same, NULL) != 0 || same)
			continue;
		printf(cmd_text(c, "  바뀜: %lld번째 줄\n", "  replaced: line %lld\n"), (long long)number(e, "line"));
		listed++;
	}
	if (changed > listed)
		printf(cmd_text(c, "  바뀜: 그 밖에 %lld행\n", "  replaced: and %lld more\n"), (long long)(changed - listed));
	if (number(result, "same"))
		printf(cmd_text(c, "  %lld행은 이미 있던 값과 같습니다\n", number(result, "same") == 1 ? "  %lld row was there already\n" : "  %lld rows were there already\n"),
			(long long)number(result, "same"));
}

/* A 00:00 behind the evening of its own date; o: the proposal's, which may be null. */
static void print_midnight(const struct cmd *c, const struct json_value *o)
{
	struct diag d = {0};
	struct buf b;
	if (!o || o->type != JSON_OBJECT)
		return;
	import_midnight(&d, &(struct intake_midnight){text(o, "before"), text(o, "at"), (uint64_t)number(o, "line")});
	buf_init(&b, 0);
	cmd_words(&b, c, &d);
	printf("  %.*s\n", (int)b.n, (const char *)b.p);
	buf_free(&b);
}

/* One import's JSON, as the API gives it. */
static void report(struct door *w, const char *file, const struct json_value *import)
{
	const struct json_value *r = json_member(import, "result"), *trouble = json_member(import, "trouble");
	const struct cmd *c = w->c;
	if (!r || r->type != JSON_OBJECT) {
		struct span words = text(trouble, c->lang == WORDS_KO ? "ko" : "en");
		fprintf(stderr, "moru: %s: %.*s\n", file, SPAN_FMT(words));
		w->t.status = 2;
		return;
	}
	const struct json_value *series = json_member(r, "series");
	unsigned n = 0;
	for (const struct json_value *s = series ? series->child : NULL; s; s = s->next)
		n++;
	printf(cmd_text(c, "%s: %lld행 - 받음 %lld, 바뀜 %lld, 거부 %lld; 시계열 %u개, 로트 %lld개\n",
		       "%s: %lld rows - %lld taken, %lld replaced, %lld refused; %u series, %lld lots\n"),
		file, (long long)number(r, "rows"), (long long)number(r, "taken"), (long long)number(r, "replaced"), (long long)number(r, "refused"), n,
		(long long)number(r, "lots"));
	if (number(r, "bad_text"))
		printf(cmd_text(c, "  읽을 수 없는 글자 %lld바이트\n", "  %lld bytes that are no text\n"), (long long)number(r, "bad_text"));
	print_midnight(c, json_member(json_member(json_member(import, "proposal"), "time"), "midnight"));
	if (number(r, "refused") && w->t.status == 0)
		w->t.status = 1;
	print_replaced(c, r);
	print_errors(c, r, number(r, "refused"));
}

/* The proposal with the asset that the person named: what the page sends when it was corrected there. */
static void corrected(struct buf *out, const struct json_value *proposal, const char *asset)
{
	struct json_writer w;
	json_writer_init(&w, out);
	jw_object(&w);
	for (const struct json_value *m = proposal ? proposal->child : NULL; m; m = m->next) {
		if (span_is(m->name, "asset"))
			continue;
		jw_key_span(&w, m->name);
		jw_value(&w, m);
	}
	jw_key(&w, "asset");
	jw_cstr(&w, asset);
	jw_object_end(&w);
}

/* ---- in this process ---- */
/* fn(w, arg, the import's row as JSON). */
static int with_row(struct door *w, const char *id, void (*fn)(struct door *w, void *arg, const struct json_value *row), void *arg)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(id))};
	struct arena arena;
	struct json_value *root;
	arena_init(&arena, 64u << 20);
	int err = store_select(w->reader, &cur, SQ_IMPORT, a, 1, w->d);
	if (err == 0 && (err = table_next(cur, &b, w->d)) == 0 && b.n_rows && (err = json_parse(&root, &arena, b.cols[3].str[0], w->d)) == 0)
		fn(w, arg, root);
	table_close(cur);
	arena_free(&arena);
	return err;
}

static void report_row(struct door *w, void *arg, const struct json_value *row) { report(w, arg, row); }
static void correct_row(struct door *w, void *arg, const struct json_value *row) { corrected(arg, json_member(row, "proposal"), w->asset); }

/* A file in pieces. */
struct source {
	struct vfs_file *f;
	uint64_t at, size_bytes;
	struct diag *d;
	const char *path;
};

static int source_piece(void *arg, uint8_t *to, size_t n, size_t *ret)
{
	struct source *s = arg;
	uint64_t left = s->size_bytes - s->at;
	size_t got = 0;
	int err = vfs_pread(s->f, to, n < left ? n : (size_t)left, s->at, &got);
	if (err == 0 && got == 0 && left)
		err = MO_EIO;
	if (err != 0) {
		diag_set(s->d, err, MSG_IMPORT_READ);
		diag_file(s->d, s->path);
		return err;
	}
	s->at += got;
	*ret = got;
	return 0;
}

static int import_here(struct door *w, const char *path, const char *name, struct source *src)
{
	struct import_file *f = NULL;
	char id[UUID_TEXT];
	uint8_t *piece = malloc(PIECE_BYTES);
	int err = piece ? import_file_begin(&f, w->node, name, w->d) : diag_set(w->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (size_t n = 1; err == 0 && n;) {
		err = source_piece(src, piece, PIECE_BYTES, &n);
		if (err == 0 && n)
			err = import_file_piece(f, span_of(piece, n), w->d);
	}
	free(piece);
	if (err != 0) {
		import_file_drop(f);
		return err;
	}
	bool refused;
	err = import_file_end(f, w->reader, id, &refused, w->d);
	struct buf plan;
	buf_init(&plan, 0);
	if (err == 0 && !refused && w->asset) {
		err = with_row(w, id, correct_row, &plan);
		err = err ? err : plan.err;
	}
	if (err == 0 && !refused)
		err = import_run(w->node, w->reader, id, buf_span(&plan), SPAN_LIT("local"), NULL, w->d);
	if (err == 0)
		err = with_row(w, id, report_row, (void *)(uintptr_t)path);
	buf_free(&plan);
	return err;
}

/* ---- by the socket ---- */
static int ask(struct door *w, struct httpc_request *r, struct buf *answer, struct arena *a, struct json_value **root)
{
	int status = 0;
	char header[CMD_HEADER_MAX];
	r->unix_path = w->sock;
	r->timeout_ms = ANSWER_MS;
	r->header = header;
	int err = cmd_header(w->c, header, w->d);
	if (err == 0)
		err = httpc_do(w->http, r, &status, answer, w->d);
	if (err != 0)
		err = cmd_unanswered(w->d, err, w->folder, w->reached, MSG_IMPORT_NODE_ENDED);
	w->at_work = err == MO_EBUSY;
	w->reached |= !w->at_work;
	if (err == 0)
		err = json_parse(root, a, buf_span(answer), w->d);
	if (err == 0 && status >= 400) {
		struct span words = text(json_member(*root, "detail"), w->c->lang == WORDS_KO ? "ko" : "en");
		fprintf(stderr, "moru: %.*s\n", SPAN_FMT(words));
		w->said = true;
		return MO_EINVAL;
	}
	return err;
}

static int import_there(struct door *w, const char *path, const char *name, struct source *src)
{
	struct arena a;
	struct buf answer, url, plan;
	struct json_value *root;
	arena_init(&a, 64u << 20);
	buf_init(&answer, 0);
	buf_init(&url, 0);
	buf_init(&plan, 0);
	buf_adds(&url, "http://localhost/api/v1/imports?name=");
	percent_encode(&url, span_str(name));
	buf_addc(&url, 0);
	struct httpc_request post = {.method = "POST", .url = (const char *)url.p, .content_type = "application/octet-stream", .piece = source_piece,
		.piece_arg = src, .body_bytes = src->size_bytes};
	int err = url.err ? url.err : ask(w, &post, &answer, &a, &root);
	char id[UUID_TEXT] = "", where[128];
	bool over = false;
	if (err == 0) {
		diag_copy(id, sizeof id, text(root, "id"));
		over = span_is(text(root, "state"), "refused");
		if (over)
			report(w, path, root);
	}
	if (err == 0 && !over) {
		if (w->asset)
			corrected(&plan, json_member(root, "proposal"), w->asset);
		else
			buf_adds(&plan, "{}");
		snprintf(where, sizeof where, "http://localhost/api/v1/imports/%s/commit", id);
		struct httpc_request commit = {.method = "POST", .url = where, .content_type = "application/json", .body = buf_span(&plan)};
		err = plan.err ? plan.err : ask(w, &commit, &answer, &a, &root);
		snprintf(where, sizeof where, "http://localhost/api/v1/imports/%s", id);
	}
	while (err == 0 && !over) {
		struct httpc_request get = {.method = "GET", .url = where};
		arena_reset(&a);
		err = ask(w, &get, &answer, &a, &root);
		double progress;
		over = err == 0 && (!span_is(text(root, "state"), "running") || json_get_f64(root, "progress", &progress, NULL) != 0); /* none: it waits no more */
		if (over) {
			report(w, path, root);
		} else {
			mono_sleep(POLL_NS);
		}
	}
	arena_free(&a);
	buf_free(&answer);
	buf_free(&url);
	buf_free(&plan);
	return err;
}

/* ---- files and folders ---- */
static void import_path(struct door *w, const char *path, unsigned depth);

struct names {
	char **name;
	size_t n;
};

static int add_name(void *arg, const char *name)
{
	struct names *l = arg;
	if (name[0] == '.' || l->n >= FILES_MAX)
		return 0;
	char **p = realloc(l->name, (l->n + 1) * sizeof *p);
	if (!p || !(p[l->n] = strdup(name))) {
		if (p)
			l->name = p;
		return MO_ENOMEM;
	}
	l->name = p;
	l->n++;
	return 0;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Said once a file, whatever went wrong with it. */
static void failed(struct door *w, const char *path, int err)
{
	w->t.status = 2;
	if (w->said)
		return;
	if (w->d->msg == MSG_NONE)
		diag_set(w->d, err, MSG_IMPORT_READ);
	if (!w->d->file[0])
		diag_file(w->d, path);
	cmd_fail(w->c, w->d, 2);
}

static void import_dir(struct door *w, const char *path, unsigned depth)
{
	struct names l = {0};
	int err = vfs_list(w->c->vfs, path, add_name, &l);
	if (err != 0)
		failed(w, path, err);
	if (l.n)
		qsort(l.name, l.n, sizeof *l.name, by_name);
	for (size_t i = 0; i < l.n; i++) {
		char *p = vfs_join(path, l.name[i]);
		if (p)
			import_path(w, p, depth + 1);
		else
			failed(w, path, MO_ENOMEM);
		free(p);
		free(l.name[i]);
	}
	free(l.name);
}

static void import_path(struct door *w, const char *path, unsigned depth)
{
	struct vfs_stat st;
	struct source src = {.path = path, .d = w->d};
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (w->at_work)
		return;
	diag_clear(w->d);
	w->said = false;
	int err = vfs_stat(w->c->vfs, path, &st);
	if (err == 0 && st.is_dir && depth < DEPTH_MAX) {
		import_dir(w, path, depth);
		return;
	}
	if (err == MO_ENOENT)
		diag_set(w->d, err, MSG_IMPORT_NO_FILE);
	if (err == 0)
		err = vfs_open(w->c->vfs, &src.f, path, VFS_READ, w->d);
	if (err == 0) {
		src.size_bytes = st.size_bytes;
		err = w->node ? import_here(w, path, name, &src) : import_there(w, path, name, &src);
	}
	vfs_close(src.f);
	if (err != 0)
		failed(w, path, err);
}

int cmd_import(struct cmd *c)
{
	struct cmd_option o[] = {{"--asset", true, NULL}};
	struct door w = {.c = c, .d = calloc(1, sizeof *w.d)};
	struct node_options opt = {.listen_port = -1, .version = MORU_VERSION, .offline = true};
	if (!w.d || cmd_options(c, o, sizeof o / sizeof *o) != 0 || c->argc < 2 || (o[0].got && !o[0].got[0])) {
		free(w.d);
		return cmd_usage(c, "import");
	}
	if (!cmd_is_folder(c, c->argv[0])) {
		free(w.d);
		return 2;
	}
	opt.dir = w.folder = c->argv[0];
	w.asset = o[0].got;
	int err = node_open(&w.node, c->vfs, &opt, w.d);
	if (err == 0) {
		char *db = folder_path(node_folder(w.node), "store.db");
		err = node_start(w.node, w.d);
		if (err == 0)
			err = db ? store_reader_open(&w.reader, node_vfs(w.node), db, w.d) : MO_ENOMEM;
		if (err == 0)
			err = import_mend(w.node, w.d);
		free(db);
	} else if (err == MO_EBUSY) {
		w.sock = vfs_join(c->argv[0], "run/moru.sock");
		diag_clear(w.d);
		err = w.sock ? httpc_new(&w.http) : MO_ENOMEM;
	}
	if (err != 0)
		w.t.status = cmd_fail(c, w.d, 2);
	for (int i = 1; err == 0 && i < c->argc; i++)
		import_path(&w, c->argv[i], 0);
	store_reader_close(w.reader);
	node_close(w.node);
	httpc_free(w.http);
	free(w.sock);
	free(w.d);
	return w.t.status;
}
