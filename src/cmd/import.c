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

#define POLL_NS 50000000L
#define FILES_MAX 100000u

struct totals {
	int status;
	uint64_t files;
};
struct door {
	struct cmd *c;
	struct node *node; /* NULL: by the socket */
	struct api *api;
	struct httpc *http;
	char *sock;
	struct store_reader *reader;
	struct totals t;
	struct diag *d;
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

static void print_errors(const struct cmd *c, const struct json_value *result)
{
	const struct json_value *list = json_member(result, "errors");
	for (const struct json_value *e = list ? list->child : NULL; e; e = e->next) {
		struct span words = text(json_member(e, "detail"), c->lang == WORDS_KO ? "ko" : "en");
		fprintf(stderr, cmd_text(c, "  %lld행: %.*s\n", "  line %lld: %.*s\n"), (long long)number(e, "line"), SPAN_FMT(words));
	}
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
	if (number(r, "refused") && w->t.status == 0)
		w->t.status = 1;
	print_errors(c, r);
}

/* ---- in this process ---- */
static int show_row(struct door *w, const char *file, const char *id)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(id))};
	struct arena arena;
	struct json_value *root;
	arena_init(&arena, 64u << 20);
	int err = store_select(w->reader, &cur, SQ_IMPORT, a, 1, w->d);
	if (err == 0 && (err = table_next(cur, &b, w->d)) == 0 && b.n_rows && (err = json_parse(&root, &arena, b.cols[3].str[0], w->d)) == 0)
		report(w, file, root);
	table_close(cur);
	arena_free(&arena);
	return err;
}

static int import_here(struct door *w, const char *path, const char *name, struct span bytes)
{
	struct import_file *f = NULL;
	char id[UUID_TEXT];
	int err = import_file_begin(&f, w->node, name, w->d);
	if (err == 0 && (err = import_file_piece(f, bytes, w->d)) != 0) {
		import_file_drop(f);
		return err;
	}
	if (err == 0)
		err = import_file_end(f, w->reader, id, w->d);
	if (err == 0) {
		int ran = import_run(w->node, w->reader, id, span_of(NULL, 0), NULL, w->d);
		err = show_row(w, path, id);
		if (ran != 0 && ran != MO_ESTATE)
			w->t.status = 2;
	}
	return err;
}

/* ---- by the socket ---- */
static int ask(struct door *w, const char *method, const char *url, const char *type, struct span body, struct buf *answer, struct arena *a, struct json_value **root)
{
	struct httpc_request r = {.method = method, .url = url, .unix_path = w->sock, .content_type = type, .body = body, .timeout_ms = 3600000};
	int status = 0;
	int err = httpc_do(w->http, &r, &status, answer, w->d);
	if (err == 0)
		err = json_parse(root, a, buf_span(answer), w->d);
	if (err == 0 && status >= 400) {
		struct span words = text(json_member(*root, "detail"), w->c->lang == WORDS_KO ? "ko" : "en");
		fprintf(stderr, "moru: %.*s\n", SPAN_FMT(words));
		w->t.status = 2;
		return MO_EINVAL;
	}
	return err;
}

static int import_there(struct door *w, const char *path, const char *name, struct span bytes)
{
	struct arena a;
	struct buf answer, url;
	struct json_value *root;
	arena_init(&a, 64u << 20);
	buf_init(&answer, 0);
	buf_init(&url, 0);
	buf_adds(&url, "http://localhost/api/v1/imports?name=");
	percent_encode(&url, span_str(name));
	buf_addc(&url, 0);
	int err = url.err ? url.err : ask(w, "POST", (const char *)url.p, "application/octet-stream", bytes, &answer, &a, &root);
	char id[UUID_TEXT] = "", where[128];
	if (err == 0) {
		diag_copy(id, sizeof id, text(root, "id"));
		if (span_is(text(root, "state"), "refused")) {
			report(w, path, root);
			goto out;
		}
		snprintf(where, sizeof where, "http://localhost/api/v1/imports/%s/commit", id);
		err = ask(w, "POST", where, "application/json", SPAN_LIT("{}"), &answer, &a, &root);
	}
	snprintf(where, sizeof where, "http://localhost/api/v1/imports/%s", id);
	while (err == 0) {
		arena_reset(&a);
		err = ask(w, "GET", where, NULL, span_of(NULL, 0), &answer, &a, &root);
		if (err == 0 && !span_is(text(root, "state"), "running")) {
			report(w, path, root);
			break;
		}
		mono_sleep(POLL_NS);
	}
out:
	arena_free(&a);
	buf_free(&answer);
	buf_free(&url);
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

static void import_dir(struct door *w, const char *path, unsigned depth)
{
	struct names l = {0};
	if (vfs_list(w->c->vfs, path, add_name, &l) != 0)
		w->t.status = 2;
	qsort(l.name, l.n, sizeof *l.name, by_name);
	for (size_t i = 0; i < l.n; i++) {
		char *p = vfs_join(path, l.name[i]);
		if (p)
			import_path(w, p, depth + 1);
		free(p);
		free(l.name[i]);
	}
	free(l.name);
}

static void import_path(struct door *w, const char *path, unsigned depth)
{
	struct vfs_stat st;
	struct vfs_file *f = NULL;
	const uint8_t *bytes = NULL;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	diag_clear(w->d);
	int err = vfs_stat(w->c->vfs, path, &st);
	if (err == 0 && st.is_dir && depth < 16) {
		import_dir(w, path, depth);
		return;
	}
	if (err == 0)
		err = vfs_open(w->c->vfs, &f, path, VFS_READ, w->d);
	else
		diag_errno(w->d, 2, "open", path);
	if (err == 0 && st.size_bytes)
		err = vfs_map(f, (size_t)st.size_bytes, &bytes);
	if (err == 0) {
		struct span all = span_of(bytes, (size_t)st.size_bytes);
		err = w->node ? import_here(w, path, name, all) : import_there(w, path, name, all);
		w->t.files++;
	}
	if (err != 0 && w->t.status != 2) {
		w->t.status = 2;
		if (w->d->msg == MSG_NONE)
			w->d->err = err;
		diag_file(w->d, path);
		cmd_fail(w->c, w->d, 2);
	}
	if (bytes)
		vfs_unmap(f, bytes, (size_t)st.size_bytes);
	vfs_close(f);
}

int cmd_import(struct cmd *c)
{
	struct door w = {.c = c, .d = calloc(1, sizeof *w.d)};
	struct node_options opt = {.listen_port = -1, .version = MORU_VERSION, .offline = true};
	if (!w.d || cmd_options(c, NULL, 0) != 0 || c->argc < 2) {
		free(w.d);
		return cmd_usage(c, "import");
	}
	opt.dir = c->argv[0];
	int err = node_open(&w.node, c->vfs, &opt, w.d);
	if (err == 0) {
		char *db = folder_path(node_folder(w.node), "store.db");
		err = node_start(w.node, w.d);
		if (err == 0)
			err = db ? store_reader_open(&w.reader, node_vfs(w.node), db, w.d) : MO_ENOMEM;
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
