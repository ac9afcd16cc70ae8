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
	uint64_t findings, files;
};

static void say(void *arg, const struct diag *d)
{
	struct checking *k = arg;
	if (k->findings++ < CHECK_LISTED_MAX)
		cmd_fail(k->c, d, 0);
}

static int check_here(struct checking *k, const struct folder *f, struct diag *d)
{
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
	return err;
}

static int print_answer(struct checking *k, const struct json_value *root, struct diag *d)
{
	const struct json_value *items = json_member(root, "items");
	int64_t files = 0, findings = 0;
	int err = json_get_i64(root, "files", &files, d);
	if (err == 0)
		err = json_get_i64(root, "findings", &findings, d);
	for (const struct json_value *o = items ? items->child : NULL; err == 0 && o; o = o->next) {
		struct span file;
		char name[DIAG_FILE_MAX];
		if ((err = json_get_str(o, "file", &file, d)) == 0) {
			diag_copy(name, sizeof name, file);
			cmd_fail_words(name, cmd_detail(k->c, o), 0);
		}
	}
	k->files = (uint64_t)files;
	k->findings = (uint64_t)findings;
	return err;
}

/* *ret_said: it could not be checked, and the node said why. */
static int check_there(struct checking *k, const char *folder, bool *ret_said, struct diag *d)
{
	struct buf answer, path;
	struct arena a;
	struct json_value *root;
	int code = 0;
	buf_init(&answer, 0);
	buf_init(&path, 0);
	arena_init(&a, ANSWER_ARENA_MAX);
	buf_adds(&path, "/api/v1/check");
	if (utf8_valid(span_str(folder))) { /* a query is UTF-8; else files are named as the node names them */
		buf_adds(&path, "?folder=");
		percent_encode(&path, span_str(folder));
	}
	buf_addc(&path, 0);
	struct cmd_question q = {.path = (const char *)path.p, .content_type = "application/json", .body = SPAN_LIT("{}"), .timeout_ms = ANSWER_TIMEOUT_MS};
	int err = path.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : cmd_ask(k->c, folder, &q, &code, &answer, d);
	if (err == 0 && code != 200) {
		err = cmd_refused(k->c, buf_span(&answer), 2, d);
		*ret_said = err == 0;
	} else if (err == 0 && (err = json_parse(&root, &a, buf_span(&answer), d)) == 0) {
		err = print_answer(k, root, d);
	}
	arena_free(&a);
	buf_free(&answer);
	buf_free(&path);
	return err;
}

int cmd_check(struct cmd *c)
{
	struct checking k = {.c = c};
	struct diag *d = calloc(1, sizeof *d);
	struct folder *f = NULL;
	bool said = false;
	if (!d || cmd_options(c, NULL, 0) != 0 || !cmd_count(c, "check", 1, 1) || !cmd_is_folder(c, c->argv[0])) {
		free(d);
		return 2;
	}
	int err = folder_open(&f, c->vfs, c->argv[0], true, d), status = 2;
	if (err == 0) {
		err = check_here(&k, f, d);
	} else if (err == MO_EBUSY) {
		/* The small files are this process's to read, as they are when nobody serves the folder. */
		diag_clear(d);
		err = folder_open(&f, c->vfs, c->argv[0], false, d);
		if (err == 0)
			err = check_there(&k, c->argv[0], &said, d);
	}
	if (err != 0) {
		status = cmd_fail(c, d, 2);
	} else if (!said) {
		if (k.findings > CHECK_LISTED_MAX)
			fprintf(stderr, cmd_text(c, "moru: 그 밖에 %llu건\n", "moru: and %llu more\n"), (unsigned long long)(k.findings - CHECK_LISTED_MAX));
		printf(cmd_text(c, "파일 %llu개와 저장소를 확인했습니다: 이상 %llu건\n", "Checked %llu series files and the store: %llu finding(s)\n"),
			(unsigned long long)k.files + 1, (unsigned long long)k.findings);
		status = k.findings ? 1 : 0;
	}
	folder_close(f);
	free(d);
	return status;
}
