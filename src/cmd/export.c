/* moru export: by the running node when the folder is served (store and engine
 * are its own), else in this process. Both write the same archive and print the
 * same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/backup.h"
#include "api/export_readme.h"
#include "base/civil.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/exports.h"
#include "os/clock.h"
#include "store/store.h"

#define ANSWER_TIMEOUT_MS (INT64_C(7) * 24 * 3600 * 1000) /* however much there is; a node that ends breaks the connection */
#define PATH_BYTES 4096u

struct asking {
	const struct cmd *c;
	const char *dir, *path; /* path: absolute */
	int64_t from_ns, to_ns;
	const char *asset[EXPORT_ASSETS_MAX + 1]; /* one too many is refused by who is asked */
	size_t n_assets;
};

static int print_made(const struct asking *k, const struct export_report *r)
{
	struct buf hex;
	buf_init(&hex, 0);
	hex_encode(&hex, span_of(r->sha256, 32));
	buf_addc(&hex, 0);
	printf(cmd_text(k->c, "내보낸 파일: %s\n", "Exported to %s\n"), k->path);
	printf(cmd_text(k->c, "파일 %llu개, 값 %llu개, 기록 %llu개, %llu바이트\nSHA-256 %s\n", "%llu files, %llu values, %llu records, %llu bytes\nSHA-256 %s\n"),
		(unsigned long long)r->files, (unsigned long long)r->values, (unsigned long long)r->records, (unsigned long long)r->bytes, hex.err ? "?" : (const char *)hex.p);
	buf_free(&hex);
	if (!r->unreadable)
		return 0;
	fprintf(stderr, cmd_text(k->c, "moru: 손상되어 읽지 못한 곳이 %llu군데 있습니다. manifest.json의 left_out에 적혀 있습니다\n",
		"moru: %llu place(s) were damaged and could not be read; manifest.json lists them under left_out\n"), (unsigned long long)r->unreadable);
	return 1;
}

/* ---- a folder that nobody serves ---- */

static int keep_outcome(const struct asking *k, const char *db, const struct exports_outcome *o, struct diag *d)
{
	struct store *s = NULL;
	int err = store_open(&s, k->c->vfs, db, d);
	if (err == 0)
		err = store_begin(s, d);
	if (err == 0)
		err = exports_put_outcome(s, o, wall_now(), d);
	if (err == 0)
		err = store_commit(s, d);
	store_close(s);
	return err;
}

static int run(const struct asking *k, const struct folder *f, struct sdb *sdb, struct export_report *r, struct diag *d)
{
	struct export *x = NULL;
	struct export_options o = {.vfs = k->c->vfs, .folder = f, .sdb = sdb, .path = k->path, .from_ns = k->from_ns, .to_ns = k->to_ns, .assets = k->asset,
		.n_assets = k->n_assets, .program = MORU_VERSION, .readme_ko = api_export_readme(true), .readme_en = api_export_readme(false)};
	int err = export_new(&x, &o, d);
	if (err == 0)
		do
			err = export_step(x, d);
		while (err == MO_EAGAIN);
	if (x)
		export_report(x, r);
	export_free(x);
	return err;
}

static int make_here(const struct asking *k, const struct folder *f, int *status, struct diag *d)
{
	struct store *s = NULL;
	struct sdb *sdb = NULL;
	struct sdb_recovery rec;
	struct sdb_options opt = {.read_only = true};
	struct exports_outcome out = {.path = span_str(k->path), .who = SPAN_LIT("local"), .from_ns = k->from_ns, .to_ns = k->to_ns, .assets = k->asset,
		.n_assets = k->n_assets};
	struct buf why;
	char *db = folder_path(f, "store.db"), *series = folder_path(f, "series");
	buf_init(&why, 0);
	int err = db && series ? store_open(&s, k->c->vfs, db, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); /* migrates a folder of an older program */
	store_close(s);
	if (err == 0)
		err = sdb_open(&sdb, k->c->vfs, series, &opt, &rec, d);
	if (err == 0)
		err = run(k, f, sdb, &out.report, d);
	sdb_close(sdb);
	out.err = err;
	if (err != 0)
		api_words_json(&why, d);
	out.why = why.err ? span_of(NULL, 0) : buf_span(&why);
	if (db) {
		/* The first error is the one to be told. An archive that cannot be audited is not given out. */
		int kept = keep_outcome(k, db, &out, err == 0 ? d : NULL);
		if (err == 0 && kept != 0) {
			(void)!vfs_unlink(k->c->vfs, k->path);
			err = kept;
		}
	}
	if (err == 0)
		*status = print_made(k, &out.report);
	buf_free(&why);
	free(db);
	free(series);
	return err;
}

/* ---- the running node ---- */

static int read_answer(struct export_report *r, const struct json_value *root, struct diag *d)
{
	static const char *const names[] = {"files", "values", "records", "unreadable", "bytes"};
	uint64_t *const to[] = {&r->files, &r->values, &r->records, &r->unreadable, &r->bytes};
	struct span hex;
	struct buf raw;
	int64_t n;
	int err = 0;
	for (size_t i = 0; err == 0 && i < sizeof names / sizeof *names; i++)
		if ((err = json_get_i64(root, names[i], &n, d)) == 0)
			*to[i] = (uint64_t)n;
	if (err == 0)
		err = json_get_str(root, "sha256", &hex, d);
	if (err != 0)
		return err;
	buf_init(&raw, 0);
	err = hex_decode(&raw, hex);
	if (err == 0 && raw.n == 32)
		memcpy(r->sha256, raw.p, 32);
	else if (err == 0)
		err = diag_set(d, MO_EPROTO, MSG_API_FAILED);
	buf_free(&raw);
	return err;
}

static void write_path(const struct asking *k, struct buf *path)
{
	char t[32];
	struct buf codes;
	buf_init(&codes, 0);
	buf_adds(path, "/api/v1/export?path=");
	percent_encode(path, span_str(k->path));
	if (k->from_ns != INT64_MIN) {
		buf_adds(path, "&from=");
		percent_encode(path, span_of(t, rfc3339_format(t, k->from_ns)));
	}
	if (k->to_ns != INT64_MAX) {
		buf_adds(path, "&to=");
		percent_encode(path, span_of(t, rfc3339_format(t, k->to_ns)));
	}
	for (size_t i = 0; i < k->n_assets; i++) {
		if (i)
			buf_addc(&codes, ',');
		percent_encode(&codes, span_str(k->asset[i]));
	}
	if (k->n_assets) {
		buf_adds(path, "&assets=");
		percent_encode(path, buf_span(&codes));
	}
	buf_addc(path, 0);
	if (codes.err)
		path->err = codes.err;
	buf_free(&codes);
}

/* *status: it was not done, and the node said why, or what it left out. */
static int make_there(const struct asking *k, int *status, struct diag *d)
{
	struct export_report r = {.files = 0};
	struct buf answer, path;
	struct arena a;
	struct json_value *root;
	int code = 0;
	buf_init(&answer, 0);
	buf_init(&path, 0);
	arena_init(&a, 0);
	write_path(k, &path);
	struct cmd_question q = {.path = (const char *)path.p, .content_type = "application/json", .body = SPAN_LIT("{}"), .timeout_ms = ANSWER_TIMEOUT_MS};
	int err = path.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : cmd_ask(k->c, k->dir, &q, &code, &answer, d);
	if (err == 0 && code != 200) {
		err = cmd_refused(k->c, buf_span(&answer), 2, d);
		if (err == 0)
			*status = 2;
	} else if (err == 0 && (err = json_parse(&root, &a, buf_span(&answer), d)) == 0 && (err = read_answer(&r, root, d)) == 0) {
		*status = print_made(k, &r);
	}
	arena_free(&a);
	buf_free(&answer);
	buf_free(&path);
	return err;
}

/* The node may stand in another folder than we do. */
static bool absolute(char out[PATH_BYTES], const char *path)
{
	char here[PATH_BYTES] = "";
	if (path[0] != '/' && !getcwd(here, sizeof here))
		return false;
	int n = snprintf(out, PATH_BYTES, "%s%s%s", here, path[0] == '/' ? "" : "/", path);
	return n > 1 && (size_t)n < EXPORTS_PATH_MAX && out[n - 1] != '/' && utf8_valid(span_str(out));
}

static int read_time(const struct cmd *c, const char *name, const char *text, int64_t *ret)
{
	return !text || rfc3339_parse(ret, span_str(text)) == 0 ? 0 : cmd_bad(c, name, text, "2026-11-22T08:10:00+09:00");
}

static int read_options(struct cmd *c, struct asking *k)
{
	struct cmd_option o[2 + EXPORT_ASSETS_MAX + 1];
	size_t n = 0;
	o[n++] = (struct cmd_option){"--from", true, NULL};
	o[n++] = (struct cmd_option){"--to", true, NULL};
	while (n < sizeof o / sizeof *o)
		o[n++] = (struct cmd_option){"--asset", true, NULL}; /* each time it is given, the next */
	if (cmd_options(c, o, n) != 0)
		return 2;
	if (read_time(c, "--from", o[0].got, &k->from_ns) != 0 || read_time(c, "--to", o[1].got, &k->to_ns) != 0)
		return 2;
	for (size_t i = 2; i < n && o[i].got; i++)
		k->asset[k->n_assets++] = o[i].got;
	return cmd_count(c, "export", 2, 2) ? 0 : 2;
}

int cmd_export(struct cmd *c)
{
	struct asking k = {.c = c, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
	char path[PATH_BYTES];
	struct folder *f = NULL;
	int status = 0;
	if (read_options(c, &k) != 0 || !cmd_is_folder(c, c->argv[0]))
		return 2;
	if (!absolute(path, c->argv[1]))
		return cmd_bad(c, "OUT.zip", c->argv[1], "UTF-8, <= 511");
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return 2;
	k.dir = c->argv[0];
	k.path = path;
	int err = folder_open(&f, c->vfs, k.dir, true, d);
	if (err == 0) {
		err = make_here(&k, f, &status, d);
	} else if (err == MO_EBUSY) {
		diag_clear(d);
		err = make_there(&k, &status, d);
	}
	if (err != 0)
		status = cmd_fail(c, d, 2);
	folder_close(f);
	free(d);
	return status;
}
