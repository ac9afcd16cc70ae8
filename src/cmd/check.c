/* moru check: in the running node when the folder is served (only it knows what
 * is durable, and SQLite's locks live in its memory), else in this process.
 * Both print the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/check.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/folder.h"
#include "series/series.h"
#include "store/store.h"

#define ANSWER_TIMEOUT_MS (INT64_C(24) * 3600 * 1000) /* however large the folder is; a node that ends breaks the connection */
#define ANSWER_ARENA_MAX (64u << 20)

struct checking {
	const struct cmd *c;
	const char *dir;
	uint64_t findings, files;
};

static void say(void *arg, const struct diag *d)
{
	struct checking *k = arg;
	if (k->findings++ < CHECK_LISTED_MAX)
		cmd_fail(k->c, d, 0);
}

/* Gives the status. */
static int sum_up(const struct checking *k)
{
	if (k->findings > CHECK_LISTED_MAX)
		fprintf(stderr, cmd_text(k->c, "moru: 그 밖에 %llu건\n", "moru: and %llu more\n"), (unsigned long long)(k->findings - CHECK_LISTED_MAX));
	printf(cmd_text(k->c, "파일 %llu개와 저장소를 확인했습니다: 이상 %llu건\n", "Checked %llu series files and the store: %llu finding(s)\n"),
		(unsigned long long)k->files + 1, (unsigned long long)k->findings);
	return k->findings ? 1 : 0;
}

static int check_here(void *arg, const struct folder *f, struct diag *d)
{
	struct checking *k = arg;
	struct vfs *vfs = k->c->vfs;
	struct store *s = NULL;
	struct store_reader *r = NULL;
	char *series = folder_path(f, "series"), *db = folder_path(f, "store.db");
	/* What is wrong was said, one by one; the store is looked at all the same. */
	int err = series && db ? sdb_check(vfs, series, say, k, &k->files) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == MO_ECORRUPT || err == MO_EVERSION)
		err = 0;
	else if (err != 0 && d->msg == MSG_NONE) {
		diag_set(d, err, MSG_FOLDER_READ);
		diag_file(d, series);
	}
	if (err == 0)
		err = store_open(&s, vfs, db, d);
	if (err == 0)
		err = store_reader_open(&r, vfs, db, d);
	if (err == 0)
		err = store_check(r, NULL, say, k, d);
	store_reader_close(r);
	store_close(s);
	free(series);
	free(db);
	return err == 0 ? sum_up(k) : err;
}

static int read_answer(void *arg, const struct json_value *root, struct diag *d)
{
	struct checking *k = arg;
	const struct json_value *items = json_member(root, "items");
	const struct cmd_count_of counts[] = {{"files", &k->files}, {"findings", &k->findings}};
	int err = cmd_counts(root, counts, sizeof counts / sizeof *counts, d);
	for (const struct json_value *o = items ? items->child : NULL; err == 0 && o; o = o->next) {
		struct span file;
		char name[DIAG_FILE_MAX];
		if ((err = json_get_str(o, "file", &file, d)) == 0) {
			diag_copy(name, sizeof name, file);
			cmd_fail_words(name, cmd_detail(k->c, o), 0);
		}
	}
	return err == 0 ? sum_up(k) : err;
}

/* The small files are this process's to read first, as they are when nobody serves the folder. */
static int write_path(void *arg, struct buf *path, struct diag *d)
{
	const struct checking *k = arg;
	struct folder *f = NULL;
	int err = folder_open(&f, k->c->vfs, k->dir, false, d);
	buf_adds(path, "/api/v1/check");
	if (utf8_valid(span_str(k->dir))) { /* a query is UTF-8; else files are named as the node names them */
		buf_adds(path, "?folder=");
		percent_encode(path, span_str(k->dir));
	}
	folder_close(f);
	return err;
}

int cmd_check(struct cmd *c)
{
	static const struct cmd_deed deed = {.here = check_here, .path = write_path, .read = read_answer, .answer_arena_bytes = ANSWER_ARENA_MAX,
		.timeout_ms = ANSWER_TIMEOUT_MS, .failed = 2, .unanswered = 2, .refused = 2};
	if (cmd_options(c, NULL, 0) != 0 || !cmd_count(c, "check", 1, 1) || !cmd_is_folder(c, c->argv[0]))
		return 2;
	struct checking k = {.c = c, .dir = c->argv[0]};
	return cmd_do(c, k.dir, &deed, &k);
}
