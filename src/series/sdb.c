#include <stdlib.h>

#include "series/priv/catalogue.h"
#include "series/priv/sbatch.h"
#include "series/priv/sdb.h"
#include "series/priv/snapshot.h"

#define HEAD_BUDGET (UINT64_C(32) << 20)
#define LOG_FILE_BYTES (UINT64_C(16) << 20)
#define BLOCK_POINTS 1024u

/* ---- the table of series ---- */

struct series *sdb_series(struct sdb *db, series_id id)
{
	if (id == 0 || id > atomic_load_explicit(&db->max_id, memory_order_acquire))
		return NULL;
	struct series **page = atomic_load_explicit(&db->page[id / TABLE_PAGE], memory_order_acquire);
	return page[id % TABLE_PAGE];
}

int sdb_add_series(struct sdb *db, series_id id, const struct series_def *def)
{
	struct series *s = calloc(1, sizeof *s);
	uint8_t *text = malloc(def->key.n + def->unit.n);
	struct series **page = atomic_load_explicit(&db->page[id / TABLE_PAGE], memory_order_relaxed);
	int r = s && text ? 0 : MO_ENOMEM;
	bool keyed = false;
	if (r == 0 && !page) {
		page = calloc(TABLE_PAGE, sizeof(struct series *));
		if (page)
			atomic_store_explicit(&db->page[id / TABLE_PAGE], page, memory_order_release);
		else
			r = MO_ENOMEM;
	}
	if (r == 0) {
		memcpy(text, def->key.p, def->key.n);
		if (def->unit.n)
			memcpy(text + def->key.n, def->unit.p, def->unit.n);
		s->id = id;
		s->text = text;
		s->def = *def;
		s->def.key = span_of(text, def->key.n);
		s->def.unit = span_of(text + def->key.n, def->unit.n);
		pthread_rwlock_wrlock(&db->names);
		r = map_put(&db->by_key, s->def.key, id);
		keyed = r == 0;
		if (r == 0 && !map_get(&db->by_uuid, span_of(def->uuid.b, 16)))
			r = map_put(&db->by_uuid, span_of(def->uuid.b, 16), id);
		if (r != 0 && keyed)
			map_remove(&db->by_key, s->def.key);
		pthread_rwlock_unlock(&db->names);
	}
	if (r != 0) {
		free(s);
		free(text);
		return r;
	}
	page[id % TABLE_PAGE] = s;
	atomic_store_explicit(&db->max_id, id, memory_order_release);
	return 0;
}

static void series_free(struct sdb *db, struct series *s)
{
	head_free(&s->head, &db->mem);
	free(s->text);
	free(s);
}

/* ---- open and close ---- */

int sdb_open(struct sdb **ret, struct vfs *vfs, const char *path, const struct sdb_options *opt, struct sdb_recovery *rec, struct diag *d)
{
	struct sdb_recovery own = {0};
	if (!rec)
		rec = &own;
	memset(rec, 0, sizeof *rec);
	struct sdb *db = calloc(1, sizeof *db);
	if (!db)
		return series_say_nomem(d);
	db->vfs = vfs;
	if (opt)
		db->opt = *opt;
	if (!db->opt.head_budget_bytes)
		db->opt.head_budget_bytes = HEAD_BUDGET;
	if (!db->opt.log_file_bytes)
		db->opt.log_file_bytes = LOG_FILE_BYTES;
	if (!db->opt.block_points)
		db->opt.block_points = BLOCK_POINTS;
	if (db->opt.block_points > BLOCK_POINTS_MAX)
		db->opt.block_points = BLOCK_POINTS_MAX;
	pthread_mutex_init(&db->files, NULL);
	pthread_mutex_init(&db->mu, NULL);
	pthread_rwlock_init(&db->names, NULL);
	map_init(&db->by_key);
	map_init(&db->by_uuid);
	db->path = malloc(strlen(path) + 1);
	int r = MO_ENOMEM;
	if (db->path) {
		memcpy(db->path, path, strlen(path) + 1);
		wal_init(&db->wal, vfs, db->path, db->opt.log_file_bytes);
		r = sdb_recover(db, rec, d);
	} else {
		series_say_nomem(d);
	}
	if (r != 0) {
		sdb_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

static void remove_zombies(struct sdb *db)
{
	for (size_t i = 0; i < db->nzombie; i++) {
		int r = vfs_unlink(db->vfs, db->zombie[i]->path); /* left behind, it is a stray that the next start removes */
		(void)r;
		seg_unref(db->zombie[i]);
	}
	free(db->zombie);
}

void sdb_close(struct sdb *db)
{
	if (!db)
		return;
	uint32_t max = atomic_load(&db->max_id);
	for (size_t i = 0; i < db->nfrozen; i++)
		head_free(&db->frozen[i].h, &db->mem);
	free(db->frozen);
	for (series_id id = 1; id <= max; id++)
		series_free(db, sdb_series(db, id));
	for (size_t i = 0; i < TABLE_PAGES; i++)
		free(atomic_load_explicit(&db->page[i], memory_order_relaxed));
	lookup_free(db);
	for (size_t i = 0; i < db->nseg; i++)
		seg_unref(db->seg[i]);
	free(db->seg);
	seg_unref(db->ready);
	remove_zombies(db);
	free(db->dirty);
	free(db->undo);
	wal_free(&db->wal);
	map_free(&db->by_key);
	map_free(&db->by_uuid);
	pthread_mutex_destroy(&db->files);
	pthread_mutex_destroy(&db->mu);
	pthread_rwlock_destroy(&db->names);
	free(db->path);
	free(db);
}

/* ---- definitions ---- */

static int find(struct sdb *db, const struct map *m, struct span key, series_id *ret)
{
	pthread_rwlock_rdlock(&db->names);
	const uint64_t *v = map_get(m, key);
	if (v)
		*ret = (series_id)*v;
	pthread_rwlock_unlock(&db->names);
	return v ? 0 : MO_ENOENT;
}

int sdb_find(struct sdb *db, struct span key, series_id *ret)
{
	return find(db, &db->by_key, key, ret);
}
int sdb_find_uuid(struct sdb *db, const struct uuid *u, series_id *ret)
{
	return find(db, &db->by_uuid, span_of(u->b, 16), ret);
}
series_id sdb_max_id(struct sdb *db)
{
	return atomic_load_explicit(&db->max_id, memory_order_acquire);
}

int sdb_get_def(struct sdb *db, series_id id, struct series_def *ret)
{
	struct series *s = sdb_series(db, id);
	if (!s)
		return MO_ENOENT;
	*ret = s->def;
	return 0;
}

static const char *def_words(enum series_type type, enum series_kind kind)
{
	static const char *const words[5][2] = {
	        {"?", "?"}, {"f64", "f64 sequence"}, {"i64", "i64 sequence"}, {"bool", "bool sequence"}, {"string", "string sequence"}};
	bool known = type >= SERIES_F64 && type <= SERIES_STR && kind >= SERIES_CLOCK && kind <= SERIES_SEQUENCE;
	return known ? words[type][kind == SERIES_SEQUENCE] : "?";
}

static int def_check(const struct series_def *def, struct diag *d)
{
	if (def->key.n == 0 || def->key.n > SERIES_KEY_MAX || def->unit.n > SERIES_KEY_MAX) {
		diag_set(d, MO_EINVAL, MSG_SERIES_KEY_BAD);
		diag_int(d, 0, (int64_t)(def->unit.n > SERIES_KEY_MAX ? def->unit.n : def->key.n));
		diag_expected(d, "1..8192");
		return MO_EINVAL;
	}
	if (def->type < SERIES_F64 || def->type > SERIES_STR || def->kind < SERIES_CLOCK || def->kind > SERIES_SEQUENCE) {
		diag_set(d, MO_EINVAL, MSG_SERIES_DEF_BAD);
		diag_field(d, def->key);
		diag_value(d, SPAN_LIT("?"));
		return MO_EINVAL;
	}
	return 0;
}

static int writable(struct sdb *db, struct diag *d)
{
	if (db->opt.read_only)
		return diag_set(d, MO_ESTATE, MSG_SERIES_READ_ONLY);
	return db->wal.failed ? diag_set(d, MO_ESTATE, MSG_SERIES_FAILED) : 0;
}

static int log_def(struct sdb *db, series_id id, const struct series_def *def, struct diag *d)
{
	uint8_t *p;
	int r = wal_reserve(&db->wal, def_bytes(def), &p, d);
	if (r != 0)
		return r;
	def_put(p, id, def);
	wal_commit(&db->wal, WAL_DEFINE, def_bytes(def));
	return 0;
}

/* The first thing this run writes: definitions that so far only an older run's log holds. */
static int log_begin(struct sdb *db, struct diag *d)
{
	if (!db->defs_pending)
		return 0;
	pthread_mutex_lock(&db->mu);
	series_id id = db->cat_series + 1;
	pthread_mutex_unlock(&db->mu);
	series_id max = sdb_max_id(db);
	for (; id <= max; id++) {
		int r = log_def(db, id, &sdb_series(db, id)->def, d);
		if (r != 0)
			return r;
	}
	db->defs_pending = false;
	return 0;
}

/* Tells the maintenance thread when the log is gone. */
static int told(struct sdb *db, int r)
{
	if (db->wal.failed)
		atomic_store(&db->failed, true);
	return r;
}

int sdb_define(struct sdb *db, const struct series_def *def, series_id *ret, bool *ret_new, struct diag *d)
{
	series_id id;
	int r = def_check(def, d);
	if (r != 0)
		return r;
	if (sdb_find(db, def->key, &id) == 0) {
		const struct series_def *old = &sdb_series(db, id)->def;
		if (old->type != def->type || old->kind != def->kind) {
			diag_set(d, MO_EEXIST, MSG_SERIES_KEY_OTHER);
			diag_field(d, def->key);
			diag_value(d, span_str(def_words(def->type, def->kind)));
			diag_expected(d, def_words(old->type, old->kind));
			return MO_EEXIST;
		}
		*ret = id;
		if (ret_new)
			*ret_new = false;
		return 0;
	}
	r = writable(db, d);
	id = sdb_max_id(db) + 1;
	if (r == 0 && id > SERIES_COUNT_MAX) {
		diag_set(d, MO_ELIMIT, MSG_SERIES_TOO_MANY);
		diag_int(d, 0, SERIES_COUNT_MAX);
		r = MO_ELIMIT;
	}
	if (r == 0)
		r = log_begin(db, d);
	if (r == 0)
		r = log_def(db, id, def, d);
	if (r != 0)
		return told(db, r);
	pthread_mutex_lock(&db->mu);
	r = sdb_add_series(db, id, def);
	if (r == 0)
		db->applied = db->wal.lsn;
	pthread_mutex_unlock(&db->mu);
	if (r != 0) {
		wal_rollback(&db->wal, def_bytes(def));
		return series_say_nomem(d);
	}
	*ret = id;
	if (ret_new)
		*ret_new = true;
	return 0;
}

/* ---- append and sync ---- */

static uint64_t heads_bytes(struct sdb *db)
{
	return atomic_load_explicit(&db->mem.bytes, memory_order_relaxed);
}

static int heads_full(struct sdb *db, struct diag *d)
{
	if (heads_bytes(db) <= 2 * db->opt.head_budget_bytes)
		return 0;
	pthread_mutex_lock(&db->mu);
	bool any = db->points_head > 0;
	pthread_mutex_unlock(&db->mu);
	if (!any) /* only cursors hold memory: a flush would not help */
		return 0;
	diag_set(d, MO_EAGAIN, MSG_SERIES_HEADS_FULL);
	diag_int(d, 0, (int64_t)db->opt.head_budget_bytes);
	return MO_EAGAIN;
}

int sdb_append(struct sdb *db, const struct sbatch *b, struct sdb_appended *ret, struct diag *d)
{
	struct sdb_appended a = {0};
	uint8_t *p;
	int r = writable(db, d);
	if (r != 0)
		return r;
	if (b->points == 0) {
		a.offset = db->wal.lsn;
		*ret = a;
		return 0;
	}
	r = heads_full(db, d);
	if (r == 0)
		r = log_begin(db, d);
	if (r == 0)
		r = wal_write_through(&db->wal, d);
	if (r == 0)
		r = wal_reserve(&db->wal, sbatch_payload_max(b), &p, d);
	if (r != 0)
		return told(db, r);
	size_t n = sbatch_payload(b, p);
	pthread_mutex_lock(&db->mu);
	r = apply_check(db, span_of(p, n), d);
	if (r == 0) {
		wal_commit(&db->wal, WAL_BATCH, n);
		r = apply_batch(db, span_of(p, n), b->tell, &a, d);
		if (r == 0)
			db->applied = db->wal.lsn;
		else
			wal_rollback(&db->wal, n);
	}
	pthread_mutex_unlock(&db->mu);
	if (r != 0)
		return r == MO_ENOMEM ? series_say_nomem(d) : r;
	a.offset = db->wal.lsn;
	*ret = a;
	return 0;
}

int sdb_sync(struct sdb *db, uint64_t *ret_offset, struct diag *d)
{
	int r = writable(db, d);
	if (r == 0)
		r = wal_sync(&db->wal, d);
	if (r != 0)
		return told(db, r);
	if (ret_offset)
		*ret_offset = db->wal.lsn;
	return 0;
}

uint64_t sdb_synced_offset(struct sdb *db)
{
	return atomic_load_explicit(&db->wal.synced, memory_order_acquire);
}
uint64_t sdb_sync_count(struct sdb *db)
{
	return atomic_load_explicit(&db->wal.syncs, memory_order_relaxed);
}

/* ---- the last value ----
 * A sequence lock: the writer makes pub_seq odd, stores words, makes it even.
 * Stores release and loads acquire, so a reader that saw one new word sees the
 * odd number (or a later one) when it looks again. */

void sdb_publish(struct series *s, const struct sdb_point *p)
{
	uint64_t w[PUB_WORDS] = {(uint64_t)p->t_ns, (uint64_t)p->arrival_ns, p->seq, p->quality};
	unsigned n = 5;
	if (p->type == SERIES_STR) {
		size_t len = p->v.str.n < sizeof p->str ? p->v.str.n : sizeof p->str - 1;
		while (len < p->v.str.n && len > 0 && (p->v.str.p[len] & 0xc0) == 0x80)
			len--;
		w[3] |= (uint64_t)len << 8;
		if (len)
			memcpy(&w[5], p->v.str.p, len);
		n = 5 + (unsigned)((len + 7) / 8);
	} else if (p->type == SERIES_BOOL) {
		w[4] = p->v.b;
	} else {
		memcpy(&w[4], &p->v.i64, 8);
	}
	uint64_t seq = atomic_load_explicit(&s->pub_seq, memory_order_relaxed);
	atomic_store_explicit(&s->pub_seq, seq + 1, memory_order_relaxed);
	for (unsigned i = 0; i < n; i++)
		atomic_store_explicit(&s->pub[i], w[i], memory_order_release);
	atomic_store_explicit(&s->pub_seq, seq + 2, memory_order_release);
}

int sdb_last(struct sdb *db, series_id id, struct sdb_point *ret)
{
	struct series *s = sdb_series(db, id);
	uint64_t w[PUB_WORDS], before;
	unsigned n = s && s->def.type == SERIES_STR ? PUB_WORDS : 5;
	if (!s)
		return MO_ENOENT;
	do {
		before = atomic_load_explicit(&s->pub_seq, memory_order_acquire);
		if (before == 0)
			return MO_ENOENT;
		for (unsigned i = 0; i < n; i++)
			w[i] = atomic_load_explicit(&s->pub[i], memory_order_acquire);
	} while ((before & 1) != 0 || atomic_load_explicit(&s->pub_seq, memory_order_relaxed) != before);
	ret->t_ns = (int64_t)w[0];
	ret->arrival_ns = (int64_t)w[1];
	ret->seq = w[2];
	ret->quality = (uint8_t)w[3];
	ret->type = s->def.type;
	if (ret->type == SERIES_STR) {
		size_t len = (size_t)(w[3] >> 8) & 63u;
		memcpy(ret->str, &w[5], sizeof ret->str);
		ret->str[len] = 0;
		ret->v.str = span_of(ret->str, len);
	} else if (ret->type == SERIES_BOOL) {
		ret->v.b = (uint8_t)w[4];
	} else {
		memcpy(&ret->v.i64, &w[4], 8);
	}
	return 0;
}

void sdb_stats(struct sdb *db, struct sdb_stats *ret)
{
	*ret = (struct sdb_stats){.series = sdb_max_id(db), .bytes_heads = heads_bytes(db), .bytes_log = wal_live_bytes(&db->wal)};
	pthread_mutex_lock(&db->mu);
	ret->points_head = db->points_head;
	ret->segments = db->nseg;
	for (size_t i = 0; i < db->nseg; i++) {
		ret->points_segments += db->seg[i]->points;
		ret->bytes_segments += db->seg[i]->size;
	}
	pthread_mutex_unlock(&db->mu);
}
