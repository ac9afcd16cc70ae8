/* moru backup: by the running node when the folder is served (only it can hold
 * store and series still while they are written), else in this process. Both
 * print the same. Verifying and listing concern the target alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/backup.h"
#include "base/civil.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/backups.h"
#include "node/restore.h"
#include "os/clock.h"

#define ANSWER_TIMEOUT_MS (INT64_C(7) * 24 * 3600 * 1000) /* however much there is; a node that ends breaks the connection */
#define KEEP_MAX 10000

struct asking {
	const struct cmd *c;
	const char *target; /* absolute */
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

static int make_here(void *arg, const struct folder *f, struct diag *d)
{
	const struct asking *k = arg;
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
	int kept = cmd_keep(k->c, f, backups_put_outcome, &out, err == 0 ? d : NULL);
	if (err == 0)
		err = kept;
	if (err == 0)
		print_made(k, &out.report);
	erase_target_free(&keys);
	buf_free(&why);
	return err;
}

/* ---- the running node ---- */

static int read_answer(void *arg, const struct json_value *root, struct diag *d)
{
	struct backup_report r = {.files = 0};
	const struct cmd_count_of counts[] = {{"files", &r.files}, {"bytes", &r.bytes}, {"pieces", &r.pieces}, {"written", &r.written}};
	struct span id;
	int err = json_get_str(root, "snapshot", &id, d);
	if (err == 0)
		err = cmd_counts(root, counts, sizeof counts / sizeof *counts, d);
	if (err != 0)
		return err;
	diag_copy(r.id, sizeof r.id, id);
	print_made(arg, &r);
	return 0;
}

static int write_path(void *arg, struct buf *path, struct diag *d)
{
	const struct asking *k = arg;
	(void)d;
	buf_printf(path, "/api/v1/backup?keep=%lld&keys=%d&target=", (long long)k->keep, k->keys);
	percent_encode(path, span_str(k->target));
	return 0;
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

int cmd_backup(struct cmd *c)
{
	static const struct cmd_deed deed = {.here = make_here, .path = write_path, .read = read_answer, .timeout_ms = ANSWER_TIMEOUT_MS, .failed = 2, .unanswered = 2, .refused = 2};
	struct cmd_option o[] = {{"--keep", true, NULL}, {"--with-keys", false, NULL}, {"--verify", false, NULL}, {"--list", false, NULL}, {"--snapshot", true, NULL}};
	struct asking k = {.c = c};
	char target[CMD_PATH_MAX];
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
	if (!cmd_absolute(target, c->argv[1], BACKUPS_TARGET_MAX, true))
		return cmd_bad(c, "TARGET", c->argv[1], "UTF-8, <= 511");
	k.target = target;
	k.keys = o[1].got != NULL;
	return cmd_do(c, c->argv[0], &deed, &k);
}
