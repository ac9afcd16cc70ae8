/* See drill.h. */
#include "node/drill.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

struct drill {
	const struct drill_options *o;
	struct drill_report *ret;
	struct diag *d, *one; /* one: a finding */
	char *copy, *db, *series, *live_db;
	struct store_reader *r, *live;
	struct sdb *sdb;
};

static int nomem(struct diag *d) { return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

static bool is_over(void *arg)
{
	const struct drill *q = arg;
	return q->o->stop && q->o->stop(q->o->arg);
}

static int stopped(struct drill *q) { return is_over(q) ? diag_set(q->d, MO_ECANCELED, MSG_DRILL_GIVEN_UP) : 0; }

static void found(void *arg, const struct diag *d)
{
	struct drill *q = arg;
	q->ret->findings++;
	if (q->o->found)
		q->o->found(q->o->arg, d);
}

static void differs(struct drill *q, const char *what, struct span which)
{
	diag_set(q->one, MO_ECORRUPT, MSG_DRILL_DIFFERS);
	diag_file(q->one, q->o->source);
	diag_text(q->one, 0, span_str(what));
	diag_text(q->one, 1, which);
	found(q, q->one);
}

/* ---- removing ---- */

static int on_name(void *arg, const char *name)
{
	struct buf *b = arg;
	buf_add(b, span_of(name, strlen(name) + 1));
	return b->err;
}

static int remove_tree(struct vfs *vfs, const char *path, unsigned depth)
{
	struct vfs_stat st;
	struct buf names;
	int err = vfs_stat(vfs, path, &st);
	if (err == MO_ENOENT)
		return 0;
	if (err == 0 && !st.is_dir) {
		err = vfs_unlink(vfs, path);
		return err == MO_ENOENT ? 0 : err;
	}
	if (err == 0 && depth == 0)
		err = MO_ELIMIT;
	if (err != 0)
		return err;
	buf_init(&names, 0);
	err = vfs_list(vfs, path, on_name, &names);
	for (size_t i = 0; err == 0 && i < names.n; i += strlen((const char *)names.p + i) + 1) {
		char *at = vfs_join(path, (const char *)names.p + i);
		err = at ? remove_tree(vfs, at, depth - 1) : MO_ENOMEM;
		free(at);
	}
	buf_free(&names);
	return err != 0 ? err : vfs_rmdir(vfs, path);
}

int drill_clear(struct vfs *vfs, const char *dir)
{
	char *path = vfs_join(dir, DRILL_DIR);
	int err = path ? remove_tree(vfs, path, DRILL_DEPTH_MAX) : MO_ENOMEM;
	free(path);
	return err;
}

static int clear(struct drill *q, struct diag *d)
{
	int err = drill_clear(q->o->vfs, q->o->dir);
	if (err == MO_ENOMEM)
		return nomem(d);
	if (err != 0) {
		diag_set(d, err, MSG_OS_ERROR);
		diag_file(d, q->copy);
		diag_text(d, 0, SPAN_LIT("remove"));
		diag_text(d, 1, span_str(mo_err_name(err)));
	}
	return err;
}

/* ---- restoring ---- */

static int has_room(struct drill *q, const struct archive_snapshot *s)
{
	uint64_t need = DRILL_SPARE_BYTES, free_bytes, total;
	for (size_t i = 0; i < s->n; i++)
		if (__builtin_add_overflow(need, s->file[i].size_bytes, &need))
			need = UINT64_MAX;
	int err = vfs_space(q->o->vfs, q->o->dir, &free_bytes, &total);
	if (err != 0) {
		diag_set(q->d, err, MSG_OS_ERROR);
		diag_file(q->d, q->o->dir);
		diag_text(q->d, 0, SPAN_LIT("space"));
		diag_text(q->d, 1, span_str(mo_err_name(err)));
		return err;
	}
	if (free_bytes >= need)
		return 0;
	diag_set(q->d, MO_EFULL, MSG_DRILL_NO_ROOM);
	diag_file(q->d, q->o->dir);
	diag_int(q->d, 0, (int64_t)(need >> 20));
	diag_int(q->d, 1, (int64_t)(free_bytes >> 20));
	return MO_EFULL;
}

/* Which snapshot, and whether it fits. The newest; where that cannot be read it is said, not passed over. */
static int look(struct drill *q)
{
	struct archive *a = NULL;
	struct archive_snapshot s;
	char (*id)[ARCHIVE_ID] = NULL;
	size_t n = 0;
	int err = archive_open(&a, q->o->vfs, q->o->source, ARCHIVE_READ, q->o->node, q->d);
	if (err == 0)
		err = archive_list(a, &id, &n, q->d);
	if (err == 0 && n == 0) {
		err = diag_set(q->d, MO_ENOENT, MSG_BACKUP_EMPTY);
		diag_file(q->d, q->o->source);
	}
	if (err == 0 && (err = archive_load(a, &s, id[n - 1], q->d)) == 0) {
		memcpy(q->ret->id, s.id, sizeof q->ret->id);
		q->ret->made_ns = s.t_ns;
		err = has_room(q, &s);
		archive_snapshot_free(&s);
	}
	free(id);
	archive_close(a);
	return err;
}

static int restore(struct drill *q)
{
	struct restore_report r;
	struct restore_options o = {.vfs = q->o->vfs, .source = q->o->source, .dir = q->copy, .snapshot = q->ret->id, .as = RESTORE_COPY, .now_ns = q->o->now_ns, .stop = is_over,
		.stop_arg = q};
	int err = restore_run(&o, &r, q->d);
	q->ret->files = r.files;
	q->ret->bytes = r.bytes;
	if (err == MO_ECANCELED)
		diag_set(q->d, err, MSG_DRILL_GIVEN_UP);
	return err;
}

/* ---- checking ---- */

/* As a start would: the store brings its log in, and migrates where it is of an older program. */
static int open_copy(struct drill *q)
{
	struct store *s = NULL;
	struct sdb_options opt = {.read_only = true};
	int err = store_open(&s, q->o->vfs, q->db, q->d);
	store_close(s);
	if (err == 0)
		err = store_reader_open(&q->r, q->o->vfs, q->db, q->d);
	if (err == 0)
		err = store_reader_open(&q->live, q->o->vfs, q->live_db, q->d);
	if (err == 0)
		err = sdb_open(&q->sdb, q->o->vfs, q->series, &opt, NULL, q->d);
	return err;
}

static int check(struct drill *q)
{
	uint64_t files = 0;
	int err = sdb_check_until(q->o->vfs, q->series, is_over, found, q, &files);
	if (err == MO_ECORRUPT || err == MO_EVERSION)
		err = 0; /* said, one by one */
	else if (err == MO_ECANCELED)
		return stopped(q);
	else if (err != 0)
		return diag_set(q->d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_FOLDER_READ);
	if (err == 0)
		err = open_copy(q);
	if (err == 0 && (err = store_check(q->r, is_over, found, q, q->d)) == MO_ECORRUPT)
		err = 0;
	return err;
}

/* ---- comparing ---- */

static int count(struct drill *q, struct store_reader *r, const char *noun, uint64_t *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	*ret = 0;
	int err = store_select(r, &cur, SQ_COUNTS, NULL, 0, q->d);
	while (err == 0 && (err = table_next(cur, &b, q->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++)
			if (span_is(b.cols[0].str[i], noun))
				*ret = (uint64_t)b.cols[1].i64[i];
	table_close(cur);
	return err;
}

/* Nothing of these is ever taken away: the node has at least as many as its backup. */
static int compare_counts(struct drill *q)
{
	static const char *const nouns[] = {"event", "lot"};
	uint64_t *const to[] = {&q->ret->events, &q->ret->lots};
	int err = 0;
	for (size_t i = 0; err == 0 && i < sizeof nouns / sizeof *nouns; i++) {
		uint64_t live = 0;
		err = count(q, q->r, nouns[i], to[i]);
		if (err == 0)
			err = count(q, q->live, nouns[i], &live);
		if (err == 0 && live < *to[i])
			differs(q, "count", span_str(nouns[i]));
	}
	return err;
}

static bool same_cell(const struct table_cursor *c, size_t col, const struct col *a, size_t i, const struct col *b, size_t k)
{
	bool null_a = a->null && a->null[i], null_b = b->null && b->null[k];
	if (null_a || null_b)
		return null_a == null_b;
	switch (c->cols[col].type) {
	case COL_BOOL: return a->b[i] == b->b[k];
	case COL_I64:
	case COL_TIME: return a->i64[i] == b->i64[k];
	case COL_F64: return memcmp(&a->f64[i], &b->f64[k], sizeof a->f64[i]) == 0;
	case COL_STR:
	case COL_BYTES:
	case COL_JSON: return span_eq(a->str[i], b->str[k]);
	}
	return false;
}

/* Events are append-only: the last ones of the copy stand in the node, word for word. What corrects one may have come since. */
static int compare_events(struct drill *q)
{
	struct table_cursor *mine = NULL, *live = NULL;
	struct table_batch a = {0}, b = {0};
	int64_t after = q->ret->events > DRILL_SAMPLE_EVENTS ? (int64_t)q->ret->events - DRILL_SAMPLE_EVENTS : 0;
	struct store_arg args[] = {sarg_null(), sarg_null(), sarg_null(), sarg_null(), sarg_i(after), sarg_i(DRILL_SAMPLE_EVENTS)};
	int err = store_select(q->r, &mine, SQ_EVENTS, args, 6, q->d);
	if (err == 0)
		err = store_select(q->live, &live, SQ_EVENTS, args, 6, q->d);
	size_t i = 0, k = 0;
	while (err == 0) {
		if (i == a.n_rows) {
			i = 0;
			if ((err = table_next(mine, &a, q->d)) != 0 || a.n_rows == 0)
				break;
		}
		if (k == b.n_rows) {
			k = 0;
			if ((err = table_next(live, &b, q->d)) != 0)
				break;
		}
		bool same = b.n_rows > 0;
		for (size_t c = 0; same && c < mine->n_cols; c++)
			same = strcmp(mine->cols[c].name, "corrected_by") == 0 || same_cell(mine, c, &a.cols[c], i, &b.cols[c], k);
		q->ret->compared++;
		if (!same) {
			differs(q, "event", a.cols[1].str[i]);
			break;
		}
		i++;
		k++;
	}
	table_close(mine);
	table_close(live);
	return err;
}

static bool same_value(enum series_type type, const struct sdb_batch *b, const struct sdb_point *p)
{
	switch (type) {
	case SERIES_F64: return memcmp(&b->f64[0], &p->v.f64, sizeof p->v.f64) == 0;
	case SERIES_I64: return b->i64[0] == p->v.i64;
	case SERIES_BOOL: return b->b[0] == p->v.b;
	case SERIES_STR: return b->str[0].n >= p->v.str.n && memcmp(b->str[0].p, p->v.str.p, p->v.str.n) == 0; /* p's is cut */
	}
	return false;
}

/* The newest value of a series is in the node. One of kind clock may have been replaced since. */
static int compare_series(struct drill *q, series_id id)
{
	struct series_def def;
	struct sdb_point p;
	struct sdb_cursor *c = NULL;
	struct sdb_batch b = {.n = 0};
	series_id live;
	int err = sdb_get_def(q->sdb, id, &def);
	if (err != 0)
		return diag_set(q->d, err, MSG_FOLDER_READ);
	if (sdb_last(q->sdb, id, &p) != 0)
		return 0; /* no value */
	if (p.t_ns > q->ret->newest_ns)
		q->ret->newest_ns = p.t_ns;
	q->ret->compared++;
	if (sdb_find_uuid(q->o->sdb, &def.uuid, &live) != 0) {
		differs(q, "series", def.key);
		return 0;
	}
	struct sdb_range r = {.from_ns = p.t_ns, .to_ns = p.t_ns + 1};
	err = sdb_read(q->o->sdb, &c, live, &r, q->d);
	bool there = false, same = false;
	while (err == 0 && !there && (err = sdb_next(c, &b, q->d)) == 0 && b.n)
		for (size_t i = 0; i < b.n && !there; i++) {
			there = !b.seq || b.seq[i] == p.seq;
			if (there) {
				struct sdb_batch one = b;
				switch (def.type) {
				case SERIES_F64: one.f64 += i; break;
				case SERIES_I64: one.i64 += i; break;
				case SERIES_BOOL: one.b += i; break;
				case SERIES_STR: one.str += i; break;
				}
				same = same_value(def.type, &one, &p);
			}
		}
	sdb_cursor_close(c);
	if (err == 0 && (!there || (!same && def.kind == SERIES_SEQUENCE)))
		differs(q, "value", def.key);
	else if (err == 0 && !same)
		q->ret->changed++;
	return err;
}

/* Spread over all of them. */
static int compare_values(struct drill *q)
{
	series_id n = sdb_max_id(q->sdb), step = n / DRILL_SAMPLE_SERIES + 1;
	int err = 0;
	q->ret->series = n;
	for (series_id id = 1; err == 0 && id <= n; id += step)
		if ((err = stopped(q)) == 0)
			err = compare_series(q, id);
	return err;
}

int drill_run(const struct drill_options *o, struct drill_report *ret, struct diag *d)
{
	struct drill *q = calloc(1, sizeof *q);
	*ret = (struct drill_report){.made_ns = T_NONE, .newest_ns = T_NONE};
	if (!q)
		return nomem(d);
	q->o = o;
	q->ret = ret;
	q->d = d;
	q->one = calloc(1, sizeof *q->one);
	q->copy = vfs_join(o->dir, DRILL_DIR);
	q->db = vfs_join(o->dir, DRILL_DIR "/store.db");
	q->series = vfs_join(o->dir, DRILL_DIR "/series");
	q->live_db = vfs_join(o->dir, "store.db");
	int err = q->one && q->copy && q->db && q->series && q->live_db ? clear(q, d) : nomem(d);
	bool cleared = err == 0;
	if (err == 0)
		err = look(q);
	if (err == 0)
		err = restore(q);
	if (err == 0)
		err = check(q);
	if (err == 0)
		err = compare_counts(q);
	if (err == 0)
		err = compare_events(q);
	if (err == 0)
		err = compare_values(q);
	sdb_close(q->sdb);
	store_reader_close(q->r);
	store_reader_close(q->live);
	if (cleared) {
		int gone = clear(q, err == 0 ? d : NULL); /* the first error is the one to be told */
		if (err == 0)
			err = gone;
	}
	free(q->copy);
	free(q->db);
	free(q->series);
	free(q->live_db);
	free(q->one);
	free(q);
	return err;
}
