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

static int select_here(struct cmd *c, const struct folder *f, struct span sql, enum sql_format format, struct diag *d)
{
	struct store *s = NULL;
	struct sdb *sdb = NULL;
	struct sqldb *q = NULL;
	struct sdb_recovery rec;
	struct sdb_options opt = {.read_only = true};
	struct buf out;
	char *db = folder_path(f, "store.db"), *series = folder_path(f, "series");
	buf_init(&out, 0);
	int err = db && series ? store_open(&s, c->vfs, db, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); /* migrates a folder of an older program */
	store_close(s);
	if (err == 0)
		err = sdb_open(&sdb, c->vfs, series, &opt, &rec, d);
	if (err == 0)
		err = sqldb_open(&q, c->vfs, db, sdb, d);
	if (err == 0)
		err = sql_text(&out, q, sql, format, print, NULL, d);
	print(NULL, &out);
	sqldb_close(q);
	sdb_close(sdb);
	buf_free(&out);
	free(db);
	free(series);
	return err;
}

/* What the node refuses is said in its own words. */
static int select_there(struct cmd *c, const char *folder, struct span sql, const char *format, int *status, struct diag *d)
{
	struct buf answer, path;
	int code = 0;
	buf_init(&answer, 0);
	buf_init(&path, 0);
	buf_printf(&path, "/api/v1/sql?format=%s", format);
	buf_addc(&path, 0);
	struct cmd_question q = {.path = (const char *)path.p, .content_type = "application/sql", .body = sql, .timeout_ms = ANSWER_TIMEOUT_MS};
	int err = path.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : cmd_ask(c, folder, &q, &code, &answer, d);
	if (err != 0) {
		*status = 2;
	} else if (code == 200) {
		print(NULL, &answer);
		*status = 0;
	} else {
		err = cmd_refused(c, buf_span(&answer), 1, d);
	}
	buf_free(&answer);
	buf_free(&path);
	return err;
}

int cmd_sql(struct cmd *c)
{
	struct cmd_option o[] = {{"--format", true, NULL}};
	struct diag *d = calloc(1, sizeof *d);
	struct folder *f = NULL;
	enum sql_format format;
	int status = 1;
	if (!d || cmd_options(c, o, 1) != 0 || !cmd_count(c, "sql", 2, 2) || !cmd_is_folder(c, c->argv[0])) {
		free(d);
		return 2;
	}
	if (sql_format_parse(&format, span_str(o[0].got ? o[0].got : "")) != 0) {
		free(d);
		return cmd_bad(c, "--format", o[0].got, "table, csv, json");
	}
	struct span sql = span_str(c->argv[1]);
	int err = folder_open(&f, c->vfs, c->argv[0], true, d);
	if (err == 0) {
		err = select_here(c, f, sql, format, d);
		status = err == 0 ? 0 : 1;
	} else if (err == MO_EBUSY) {
		diag_clear(d);
		err = select_there(c, c->argv[0], sql, o[0].got ? o[0].got : "table", &status, d);
	}
	if (err != 0)
		status = cmd_fail(c, d, status);
	folder_close(f);
	free(d);
	return status;
}
