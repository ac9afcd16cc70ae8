/* moru backup: by the running node when the folder is served (only it can hold
 * store and series still while they are written), else in this process. Both
 * print the same. Verifying and listing concern the target alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/backup.h"
#include "base/civil.h"
#include "base/num.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/backups.h"
#include "node/restore.h"
#include "os/clock.h"

#define ANSWER_TIMEOUT_MS (INT64_C(7) * 24 * 3600 * 1000) /* however much there is; a node that ends breaks the connection */
#define PATH_BYTES 4096u
#define KEEP_MAX 10000

struct asking {
	const struct cmd *c;
	const char *dir, *target; /* target: absolute */
	int64_t keep;
	bool keys;
};

static void print_made(const struct asking *k, const struct backup_report *r)
{
	printf(cmd_text(k->c, "%s에 백업했습니다: %s\n", "Backed up to %s: %s\n"), k->target, r->id);
	printf(cmd_text(k->c, "파일 %llu개, %llu바이트. 새로 쓴 것: 조각 %llu개, %llu바이트\n", "%llu files, %llu bytes. Written: %llu new pieces, %llu bytes\n"), (unsigned long long)r->files,
		(unsigned long long)r->bytes, (unsigned long long)r->pieces, (unsigned long long)r->written);
}

/* ---- a folder that nobody serves ---- */

static int keep_outcome(const struct asking *k, const struct folder *f, const struct backups_outcome *o, struct diag *d)
{
	struct store *s = NULL;
	char *db = folder_path(f, "store.db");
	int err = db ? store_open(&s, k->c->vfs, db, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = store_begin(s, d);
	if (err == 0)
		err = backups_put_outcome(s, o, wall_now(), d);
	if (err == 0)
		err = store_commit(s, d);
	store_close(s);
	free(db);
	return err;
}

static int make_here(const struct asking *k, const struct folder *f, struct diag *d)
{
	struct backup *b = NULL;
	struct backup_options o = {.vfs = k->c->vfs, .folder = f, .target = k->target, .make = true, .keys = k->keys, .keep = (size_t)k->keep, .program = MORU_VERSION,
		.now_ns = wall_now()};
	struct backups_outcome out = {.target = span_str(k->target), .who = SPAN_LIT("local"), .t_ns = o.now_ns};
	struct buf why;
	buf_init(&why, 0);
	int err = backup_new(&b, &o, d);
	if (err == 0)
		do
			err = backup_step(b, d);
		while (err == MO_EAGAIN);
	struct erase_target keys = {NULL, 0};
	if (b)
		backup_report(b, &out.report);
	if (b && out.report.id[0] && backup_keys(b, &keys) == 0)
		out.keys = &keys;
	backup_free(b);
	out.err = err;
	if (err != 0)
		api_words_json(&why, d);
	out.why = why.err ? span_of(NULL, 0) : buf_span(&why);
	/* The first error is the one to be told. */
	int kept = keep_outcome(k, f, &out, err == 0 ? d : NULL);
	if (err == 0)
		err = kept;
	if (err == 0)
		print_made(k, &out.report);
	erase_target_free(&keys);
	buf_free(&why);
	return err;
}

/* ---- the running node ---- */

static int read_answer(struct backup_report *r, const struct json_value *root, struct diag *d)
{
	struct span id;
	int64_t n[4] = {0};
	static const char *const names[] = {"files", "bytes", "pieces", "written"};
	int err = json_get_str(root, "snapshot", &id, d);
	for (size_t i = 0; err == 0 && i < 4; i++)
		err = json_get_i64(root, names[i], &n[i], d);
	if (err != 0)
		return err;
	diag_copy(r->id, sizeof r->id, id);
	r->files = (uint64_t)n[0];
	r->bytes = (uint64_t)n[1];
	r->pieces = (uint64_t)n[2];
	r->written = (uint64_t)n[3];
	return 0;
}

/* *ret_said: it was not done, and the node said why. */
static int make_there(const struct asking *k, bool *ret_said, struct diag *d)
{
	struct backup_report r = {.files = 0};
	struct buf answer, path;
	struct arena a;
	struct json_value *root;
	int code = 0;
	buf_init(&answer, 0);
	buf_init(&path, 0);
	arena_init(&a, 0);
	buf_printf(&path, "/api/v1/backup?keep=%lld&keys=%d&target=", (long long)k->keep, k->keys);
	percent_encode(&path, span_str(k->target));
	buf_addc(&path, 0);
	struct cmd_question q = {.path = (const char *)path.p, .content_type = "application/json", .body = SPAN_LIT("{}"), .timeout_ms = ANSWER_TIMEOUT_MS};
	int err = path.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : cmd_ask(k->c, k->dir, &q, &code, &answer, d);
	if (err == 0 && code != 200) {
		err = cmd_refused(k->c, buf_span(&answer), 2, d);
		*ret_said = err == 0;
	} else if (err == 0 && (err = json_parse(&root, &a, buf_span(&answer), d)) == 0 && (err = read_answer(&r, root, d)) == 0) {
		print_made(k, &r);
	}
	arena_free(&a);
	buf_free(&answer);
	buf_free(&path);
	return err;
}

static int make(const struct asking *k)
{
	struct diag *d = calloc(1, sizeof *d);
	struct folder *f = NULL;
	bool said = false;
	if (!d)
		return 2;
	int err = folder_open(&f, k->c->vfs, k->dir, true, d);
	if (err == 0) {
		err = make_here(k, f, d);
	} else if (err == MO_EBUSY) {
		diag_clear(d);
		err = make_there(k, &said, d);
	}
	int status = err != 0 ? cmd_fail(k->c, d, 2) : said ? 2 : 0;
	folder_close(f);
	free(d);
	return status;
}

/* ---- the target alone ---- */

struct verifying {
	const struct cmd *c;
	uint64_t findings;
};

static void found(void *arg, const struct diag *d)
{
	struct verifying *v = arg;
	v->findings++;
	cmd_fail(v->c, d, 0);
}

static int verify(const struct cmd *c, const char *target, const char *snapshot)
{
	struct verifying v = {.c = c};
	struct restore_report r;
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return 2;
	int status, err = restore_verify(c->vfs, target, snapshot, found, &v, &r, d);
	if (err != 0) {
		status = cmd_fail(c, d, 2);
	} else {
		printf(cmd_text(c, "백업 %s의 파일 %llu개, %llu바이트를 확인했습니다: 이상 %llu건\n", "Verified %s: %llu files, %llu bytes: %llu finding(s)\n"), r.id, (unsigned long long)r.files,
			(unsigned long long)r.bytes, (unsigned long long)v.findings);
		status = v.findings ? 1 : 0;
	}
	free(d);
	return status;
}

static int list(const struct cmd *c, const char *target)
{
	struct archive *a = NULL;
	char (*id)[ARCHIVE_ID] = NULL;
	size_t n = 0;
	int status = 0;
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return 2;
	int err = archive_open(&a, c->vfs, target, ARCHIVE_READ, NULL, d);
	if (err == 0)
		err = archive_list(a, &id, &n, d);
	for (size_t i = 0; i < n && err == 0; i++) {
		struct archive_snapshot s;
		uint64_t bytes = 0;
		char t[32];
		err = archive_load(a, &s, id[i], d);
		if (err == MO_ECORRUPT || err == MO_EVERSION) {
			status = cmd_fail(c, d, 1);
			err = 0;
			continue;
		}
		if (err != 0)
			break;
		for (size_t k = 0; k < s.n; k++)
			bytes += s.file[k].size_bytes;
		int tn = (int)rfc3339_format(t, s.t_ns / NS_PER_S * NS_PER_S);
		printf(cmd_text(c, "%s  %.*s  파일 %zu개, %llu바이트%s\n", "%s  %.*s  %zu files, %llu bytes%s\n"), s.id, tn, t, s.n, (unsigned long long)bytes,
			s.keys ? cmd_text(c, ", 키 포함", ", with keys") : "");
		archive_snapshot_free(&s);
	}
	if (err != 0)
		status = cmd_fail(c, d, 2);
	archive_close(a);
	free(id);
	free(d);
	return status;
}

/* The node may stand in another folder than we do. */
static bool absolute(char out[PATH_BYTES], const char *path)
{
	char here[PATH_BYTES] = "";
	if (path[0] != '/' && !getcwd(here, sizeof here))
		return false;
	int n = snprintf(out, PATH_BYTES, "%s%s%s", here, path[0] == '/' ? "" : "/", path);
	while (n > 1 && (size_t)n < PATH_BYTES && out[n - 1] == '/')
		out[--n] = 0;
	return n > 0 && (size_t)n < BACKUPS_TARGET_MAX && utf8_valid(span_str(out));
}

int cmd_backup(struct cmd *c)
{
	struct cmd_option o[] = {{"--keep", true, NULL}, {"--with-keys", false, NULL}, {"--verify", false, NULL}, {"--list", false, NULL}, {"--snapshot", true, NULL}};
	struct asking k = {.c = c};
	char target[PATH_BYTES];
	if (cmd_options(c, o, sizeof o / sizeof *o) != 0)
		return 2;
	bool alone = o[2].got || o[3].got;
	if (!cmd_count(c, "backup", alone ? 1 : 2, alone ? 1 : 2))
		return 2;
	if (o[0].got && (num_i64(&k.keep, span_str(o[0].got)) != 0 || k.keep < 1 || k.keep > KEEP_MAX))
		return cmd_bad(c, "--keep", o[0].got, "1..10000");
	if (o[4].got && !o[2].got)
		return cmd_needs(c, "--snapshot", "--verify");
	if (o[2].got)
		return verify(c, c->argv[0], o[4].got);
	if (o[3].got)
		return list(c, c->argv[0]);
	if (!cmd_is_folder(c, c->argv[0]))
		return 2;
	if (!absolute(target, c->argv[1]))
		return cmd_bad(c, "TARGET", c->argv[1], "UTF-8, <= 511");
	k.dir = c->argv[0];
	k.target = target;
	k.keys = o[1].got != NULL;
	return make(&k);
}
