/* moru sql: one SELECT, as a table for people, CSV or JSON lines. By the
 * running node's socket when the folder is served, else in this process. Both
 * print the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/sql_text.h"
#include "cmd/cmd.h"
#include "node/folder.h"
#include "store/store.h"

#define ANSWER_TIMEOUT_MS 60000 /* more than the node gives a statement */

static void print(void *arg, struct buf *out)
{
	(void)arg;
	fwrite(out->p, 1, out->n, stdout);
	buf_reset(out);
}

struct asking {
	const struct cmd *c;
	struct span sql;
	enum sql_format format;
	const char *format_name;
};

static int select_here(void *arg, const struct folder *f, struct diag *d)
{
	const struct asking *k = arg;
	struct store *s = NULL;
	struct sdb *sdb = NULL;
	struct sqldb *q = NULL;
	struct sdb_recovery rec;
	struct sdb_options opt = {.read_only = true};
	struct buf out;
	char *db = folder_path(f, "store.db"), *series = folder_path(f, "series");
	buf_init(&out, 0);
	int err = db && series ? store_open(&s, k->c->vfs, db, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); /* migrates a folder of an older program */
	store_close(s);
	if (err == 0)
		err = sdb_open(&sdb, k->c->vfs, series, &opt, &rec, d);
	if (err == 0)
		err = sqldb_open(&q, k->c->vfs, db, sdb, d);
	if (err == 0)
		err = sql_text(&out, q, k->sql, k->format, print, NULL, d);
	print(NULL, &out);
	sqldb_close(q);
	sdb_close(sdb);
	buf_free(&out);
	free(db);
	free(series);
	return err;
}

static int write_path(void *arg, struct buf *path, struct diag *d)
{
	(void)d;
	buf_printf(path, "/api/v1/sql?format=%s", ((const struct asking *)arg)->format_name);
	return 0;
}

static int take_answer(void *arg, struct buf *answer, struct diag *d)
{
	(void)d;
	print(arg, answer);
	return 0;
}

int cmd_sql(struct cmd *c)
{
	struct cmd_option o[] = {{"--format", true, NULL}};
	struct asking k = {.c = c};
	if (cmd_options(c, o, 1) != 0 || !cmd_count(c, "sql", 2, 2) || !cmd_is_folder(c, c->argv[0]))
		return 2;
	if (sql_format_parse(&k.format, span_str(o[0].got ? o[0].got : "")) != 0)
		return cmd_bad(c, "--format", o[0].got, "table, csv, json");
	k.format_name = o[0].got ? o[0].got : "table";
	k.sql = span_str(c->argv[1]);
	const struct cmd_deed deed = {.here = select_here, .path = write_path, .take = take_answer, .content_type = "application/sql", .body = k.sql, .timeout_ms = ANSWER_TIMEOUT_MS,
		.failed = 1, .unanswered = 2, .refused = 1};
	return cmd_do(c, c->argv[0], &deed, &k);
}
