/* Checksums in the store's sweep: a store of a program that had none gets them; a log that was damaged is set right. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#include "store/priv/pages.h"
#include "store/priv/tokenizer.h"

#define MARKS 60

/* Version 3, with no room at the ends of its pages. */
int prepare_tails(struct world *w)
{
	struct sqlitevfs *fs = NULL;
	sqlite3 *sq = NULL;
	char sql[256];
	int rc = sqlitevfs_use(&fs, w->vfs);
	if (rc == 0)
		rc = sqlite3_open_v2(DB, &sq, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, sqlitevfs_name(fs));
	if (rc == SQLITE_OK)
		rc = tokenizer_register(sq);
	snprintf(sql, sizeof sql, "INSERT INTO mark(name, value) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<%d) SELECT 'm'||n, zeroblob(100+n) FROM c;"
		"INSERT INTO meta VALUES('version', 3); PRAGMA application_id=%d; PRAGMA user_version=3", MARKS, STORE_APPLICATION_ID);
	const char *const steps[] = {"PRAGMA temp_store=memory; PRAGMA journal_mode=wal", store_schema_v1, store_schema_v2, store_schema_v3, sql};
	for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(sq, steps[i], NULL, NULL, NULL);
	sqlite3_close(sq);
	sqlitevfs_release(fs);
	return rc;
}

static const char *whole(struct world *w)
{
	uint8_t page[PAGE_BYTES];
	struct vfs_file *f = NULL;
	uint64_t size = 0;
	int err = vfs_open(w->vfs, &f, DB, VFS_READ, NULL);
	if (!err)
		err = vfs_size(f, &size);
	for (uint64_t at = 0; !err && at < size; at += PAGE_BYTES)
		if (!(err = vfs_read_full(f, page, sizeof page, at)) && !pages_is_whole(page, (uint32_t)(at / PAGE_BYTES) + 1))
			err = MO_ECORRUPT;
	vfs_close(f);
	return err || !size ? "a page has no checksum" : NULL;
}

const char *holds_tails(struct world *w)
{
	struct vfs_stat st;
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	if (number_of(w, "SELECT sum(length(value)) FROM mark") != MARKS * 100 + MARKS * (MARKS + 1) / 2)
		return "a value is lost";
	if (number_in(w, DB ".v3", "SELECT count(*) FROM mark") != MARKS)
		return "there is no whole copy of the old version";
	if (vfs_stat(w->vfs, DB ".new", &st) != MO_ENOENT || vfs_stat(w->vfs, DB ".new-journal", &st) != MO_ENOENT)
		return "the new file was left beside the old";
	const char *wrong = check_clean(w);
	store_close(w->s);
	w->s = NULL;
	return wrong ? wrong : whole(w);
}

#define COMMITS 6
#define LOG DB "-wal"

static int put_file(struct vfs *v, const char *path, const uint8_t *p, size_t n)
{
	struct vfs_file *f = NULL;
	int err = vfs_open(v, &f, path, VFS_WRITE | VFS_CREATE, NULL);
	if (!err)
		err = vfs_pwrite(f, p, n, 0);
	if (!err)
		err = vfs_sync(f);
	vfs_close(f);
	return err ? err : vfs_sync_dir(v, "node");
}

/* The log of some commits, left behind, with one bit flipped in its second frame. */
int prepare_log(struct world *w)
{
	uint8_t *log = NULL;
	size_t n = 0;
	int err = open_with(w, store_migrations, n_store_migrations);
	for (int i = 0; i < COMMITS && !err; i++) {
		char number[16];
		enum store_did did;
		snprintf(number, sizeof number, "L%d", i);
		struct record r = {.type = REC_LOT, .lot = {.key = {S("F"), S(number)}, .made_ns = T_NONE, .quantity = (double)NAN}};
		err = store_begin(w->s, &w->d);
		if (!err && !(err = store_put_record(w->s, &r, 1, &did, &w->d)))
			err = store_commit(w->s, &w->d);
	}
	if (!err)
		err = vfs_slurp(w->vfs, &log, &n, LOG, 1u << 24, NULL);
	store_close(w->s);
	w->s = NULL;
	if (!err)
		log[WAL_HEADER + WAL_FRAME + WAL_FRAME_HEADER + 200] ^= 1;
	if (!err)
		err = put_file(w->vfs, LOG, log, n);
	free(log);
	return err;
}

const char *holds_log(struct world *w)
{
	struct vfs_stat st;
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	if (number_of(w, "SELECT count(*) FROM lot") != COMMITS)
		return "a commit is lost";
	if (vfs_stat(w->vfs, LOG ".bad", &st) || vfs_stat(w->vfs, LOG ".mend", &st) != MO_ENOENT)
		return "the damaged log was not set aside";
	if (vfs_unlink(w->vfs, LOG ".bad"))
		return "it cannot be taken away";
	return check_clean(w);
}
