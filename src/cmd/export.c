/* moru export: by the running node when the folder is served (store and engine
 * are its own), else in this process. Both write the same archive and print the
 * same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/backup.h"
#include "api/export_readme.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/exports.h"
#include "store/store.h"

#define ANSWER_TIMEOUT_MS (INT64_C(7) * 24 * 3600 * 1000) /* however much there is; a node that ends breaks the connection */

struct asking {
	const struct cmd *c;
	const char *path; /* absolute */
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

static int make_here(void *arg, const struct folder *f, struct diag *d)
{
	const struct asking *k = arg;
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
	/* The first error is the one to be told. An archive that cannot be audited is not given out. */
	int kept = cmd_keep(k->c, f, exports_put_outcome, &out, err == 0 ? d : NULL);
	if (err == 0 && kept != 0) {
		(void)!vfs_unlink(k->c->vfs, k->path);
		err = kept;
	}
	buf_free(&why);
	free(db);
	free(series);
	return err == 0 ? print_made(k, &out.report) : err;
}

/* ---- the running node ---- */

static int read_answer(void *arg, const struct json_value *root, struct diag *d)
{
	struct export_report r = {.files = 0};
	const struct cmd_count_of counts[] = {{"files", &r.files}, {"values", &r.values}, {"records", &r.records}, {"unreadable", &r.unreadable}, {"bytes", &r.bytes}};
	struct span hex;
	struct buf raw;
	int err = cmd_counts(root, counts, sizeof counts / sizeof *counts, d);
	if (err == 0)
		err = json_get_str(root, "sha256", &hex, d);
	if (err != 0)
		return err;
	buf_init(&raw, 0);
	err = hex_decode(&raw, hex);
	if (err == 0 && raw.n == 32)
		memcpy(r.sha256, raw.p, 32);
	else if (err == 0)
		err = diag_set(d, MO_EPROTO, MSG_API_FAILED);
	buf_free(&raw);
	return err == 0 ? print_made(arg, &r) : err;
}

static int write_path(void *arg, struct buf *path, struct diag *d)
{
	const struct asking *k = arg;
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
	int err = codes.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : 0;
	buf_free(&codes);
	return err;
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
	static const struct cmd_deed deed = {.here = make_here, .path = write_path, .read = read_answer, .timeout_ms = ANSWER_TIMEOUT_MS, .failed = 2, .unanswered = 2, .refused = 2};
	struct asking k = {.c = c, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
	char path[CMD_PATH_MAX];
	if (read_options(c, &k) != 0 || !cmd_is_folder(c, c->argv[0]))
		return 2;
	if (!cmd_absolute(path, c->argv[1], EXPORTS_PATH_MAX, false))
		return cmd_bad(c, "OUT.zip", c->argv[1], "UTF-8, <= 511");
	k.path = path;
	return cmd_do(c, c->argv[0], &deed, &k);
}
