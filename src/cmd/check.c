/* moru check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "node/folder.h"
#include "series/series.h"
#include "store/store.h"

struct checking {
	const struct cmd *c;
	unsigned findings;
};

static void say(void *arg, const struct diag *d)
{
	struct checking *k = arg;
	k->findings++;
	cmd_fail(k->c, d, 0);
}

int cmd_check(struct cmd *c)
{
	struct checking k = {.c = c};
	struct diag *d = calloc(1, sizeof *d);
	struct folder *f = NULL;
	struct store *s = NULL;
	uint64_t files = 0;
	int status = 2;
	if (!d || cmd_options(c, NULL, 0) != 0 || c->argc != 1) {
		free(d);
		return cmd_usage(c, "check");
	}
	int err = folder_open(&f, c->vfs, c->argv[0], true, d);
	if (err == MO_EBUSY)
		err = diag_set(d, MO_EBUSY, MSG_CHECK_SERVED);
	if (err == 0) {
		char *series = folder_path(f, "series"), *db = folder_path(f, "store.db");
		/* What is wrong was said, one by one; the store is looked at all the same. */
		err = series && db ? sdb_check(c->vfs, series, say, &k, &files) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		if (err == MO_ECORRUPT || err == MO_EVERSION)
			err = 0;
		else if (err != 0 && d->msg == MSG_NONE) {
			diag_set(d, err, MSG_FOLDER_READ);
			diag_file(d, series);
		}
		if (err == 0)
			err = store_open(&s, c->vfs, db, d);
		if (err == 0)
			err = store_check(s, say, &k);
		free(series);
		free(db);
	}
	if (err != 0) {
		status = cmd_fail(c, d, 2);
	} else {
		printf(cmd_text(c, "파일 %llu개와 저장소를 확인했습니다: 이상 %u건\n", "Checked %llu series files and the store: %u finding(s)\n"),
			(unsigned long long)files + 1, k.findings);
		status = k.findings ? 1 : 0;
	}
	store_close(s);
	folder_close(f);
	free(d);
	return status;
}
