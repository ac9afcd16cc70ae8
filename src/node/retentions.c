/* See retentions.h. */
#include "node/retentions.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "codec/json.h"
#include "node/priv/node.h"
#include "node/priv/retention_sweep.h"

#define LIMITS_BYTES_MAX (512u << 20) /* memory for limits and kept numbers of one run */

struct kept {
	struct kept *next;
	struct span asset;
	const struct sdb_numbers *numbers;
	size_t n;
};
/* A case goes before the files that it alone refers to. */
enum step { STEP_VALUES, STEP_CASES, STEP_FILES, STEP_AUDIT, STEPS };
static const enum retention_class class_of[STEPS] = {RETENTION_CLASSES, RETENTION_CASES, RETENTION_FILES, RETENTION_AUDIT};

struct retentions {
	struct node *node;
	struct work work;
	struct loop_post post;
	/* loop thread */
	bool busy;
	int64_t retry_ns;  /* monotonic: not before; 0: nothing failed */
	struct retention_clock clock;
	/* the run's */
	struct buf rules;
	int64_t rules_version;
	struct arena arena;
	bool begun, values; /* values: there is a rule for some */
	enum step step;
	struct retention_sweep sweep;
	struct sdb_drop drop;
	int64_t now_ns;
	int err;
	struct diag *d;

	pthread_mutex_t mu; /* below */
	struct buf json;    /* the rules */
	int64_t version;    /* of their document */
	bool changed, running, waits;
	bool owes;          /* a run was broken off: what it took has no entry in the audit yet */
	struct buf last;    /* mark */
	int64_t last_ns, last_version;
};

/* ---- limits ---- */

/* Numbers of the asset's cycles that something refers to, in order, apart from each other. */
static int read_kept(struct retentions *k, struct store_reader *r, struct kept *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(ret->asset)};
	struct sdb_numbers *p = NULL;
	size_t n = 0, cap = 0;
	int err = store_select(r, &cur, SQ_CYCLES_KEPT, a, 1, k->d);
	while (err == 0 && (err = table_next(cur, &b, k->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			int64_t lo = b.cols[0].i64[i], hi = b.cols[1].i64[i];
			struct sdb_numbers x = {lo < 0 ? 0 : (uint64_t)lo, hi < 0 ? 0 : (uint64_t)hi};
			if (x.last < x.first)
				continue;
			if (n && x.first <= p[n - 1].last + (p[n - 1].last != UINT64_MAX)) {
				if (x.last > p[n - 1].last)
					p[n - 1].last = x.last;
				continue;
			}
			if (n == cap) {
				cap = cap ? 2 * cap : 64;
				struct sdb_numbers *q = arena_alloc(&k->arena, cap * sizeof *q);
				if (!q) {
					err = diag_set(k->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
					break;
				}
				if (n)
					memcpy(q, p, n * sizeof *q);
				p = q;
			}
			p[n++] = x;
		}
	table_close(cur);
	ret->numbers = p;
	ret->n = n;
	return err;
}

static int kept_of(struct retentions *k, struct store_reader *r, struct kept **all, struct span asset, struct kept **ret)
{
	for (struct kept *p = *all; p; p = p->next)
		if (span_eq(p->asset, asset)) {
			*ret = p;
			return 0;
		}
	struct kept *p = arena_calloc(&k->arena, 1, sizeof *p);
	if (!p || !(p->asset = arena_dup(&k->arena, asset)).p)
		return diag_set(k->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	int err = read_kept(k, r, p);
	p->next = *all;
	*all = p;
	*ret = p;
	return err;
}

/* What goes of each series that the store knows. */
static int make_limits(struct retentions *k, struct store_reader *r, const struct retention *rules)
{
	struct sdb *db = k->node->sdb;
	series_id n = sdb_max_id(db);
	struct sdb_limit *limit = arena_alloc(&k->arena, (n ? n : 1) * sizeof *limit);
	struct kept *all = NULL;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_null(), sarg_null(), sarg_i(INT64_MAX)};
	if (!limit)
		return diag_set(k->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (series_id i = 0; i < n; i++)
		limit[i] = (struct sdb_limit){.before_ns = INT64_MIN};
	int err = store_select(r, &cur, SQ_SIGNALS, a, 3, k->d);
	while (err == 0 && (err = table_next(cur, &b, k->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			struct span asset = b.cols[2].str[i];
			struct series_def def;
			struct kept *kept = NULL;
			struct uuid u;
			series_id id;
			if (uuid_parse(&u, b.cols[1].str[i]) != 0 || sdb_find_uuid(db, &u, &id) != 0 || id > n || sdb_get_def(db, id, &def) != 0)
				continue;
			bool cycles = def.kind == SERIES_SEQUENCE;
			int64_t before = retention_before(rules, cycles ? RETENTION_SEQUENCES : RETENTION_VALUES, asset, k->now_ns);
			if (before != INT64_MIN && cycles && (err = kept_of(k, r, &all, asset, &kept)) == 0) {
				limit[id - 1].keep = kept->numbers;
				limit[id - 1].n_keep = kept->n;
			}
			limit[id - 1].before_ns = before;
		}
	table_close(cur);
	k->drop = (struct sdb_drop){.limit = limit, .n_limits = n};
	return err;
}

/* ---- how it ended ---- */

struct outcome_job {
	struct sjob job;
	struct retentions *k;
	struct span json;
	int64_t now_ns;
};

static int put_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct outcome_job *q = (struct outcome_job *)j;
	int err = store_put_mark(s, SPAN_LIT(RETENTIONS_MARK), q->json, d);
	if (err == 0 && q->k->values)
		err = store_audit(s, q->now_ns, SPAN_LIT("retention"), SPAN_LIT("retention.apply"), SPAN_LIT("values"), q->json, d);
	return err != 0 ? err : retention_sweep_tell(&q->k->sweep, s, q->k->rules_version, d);
}

static void say_swept(struct retentions *k)
{
	const struct store_swept *did = k->sweep.did;
	if (!retention_sweep_owes(&k->sweep))
		return;
	diag_set(k->d, 0, MSG_RETENTION_SWEPT);
	diag_int(k->d, 0, (int64_t)did[RETENTION_FILES].n);
	diag_int(k->d, 1, (int64_t)(did[RETENTION_FILES].bytes >> 10));
	diag_int(k->d, 2, (int64_t)did[RETENTION_CASES].n);
	diag_int(k->d, 3, (int64_t)did[RETENTION_AUDIT].n);
	node_log(k->node, "info", k->d);
	diag_clear(k->d);
}

static int keep_outcome(struct retentions *k)
{
	struct json_writer w;
	struct buf json;
	buf_init(&json, 0);
	json_writer_init(&w, &json);
	jw_object(&w);
	jw_key(&w, "t");
	jw_time(&w, k->now_ns);
	jw_key(&w, "version");
	jw_i64(&w, k->rules_version);
	jw_key(&w, "values");
	jw_u64(&w, k->drop.values);
	jw_key(&w, "bytes");
	jw_u64(&w, k->drop.bytes);
	jw_key(&w, "segments");
	jw_u64(&w, k->drop.segments);
	jw_key(&w, "left");
	jw_u64(&w, k->drop.damaged + k->drop.full);
	jw_key(&w, "cases");
	jw_u64(&w, k->sweep.did[RETENTION_CASES].n);
	jw_key(&w, "files");
	jw_u64(&w, k->sweep.did[RETENTION_FILES].n);
	jw_key(&w, "file_bytes");
	jw_u64(&w, k->sweep.did[RETENTION_FILES].bytes);
	jw_key(&w, "audit");
	jw_u64(&w, k->sweep.did[RETENTION_AUDIT].n);
	jw_object_end(&w);
	struct outcome_job q = {.k = k, .json = buf_span(&json), .now_ns = k->now_ns};
	int err = json.err ? diag_set(k->d, json.err, MSG_OUT_OF_MEMORY) : storer_run(k->node->storer, put_run, &q.job, k->d);
	if (err == 0) {
		pthread_mutex_lock(&k->mu);
		buf_reset(&k->last);
		buf_add(&k->last, buf_span(&json));
		k->last_ns = k->now_ns;
		k->last_version = k->rules_version;
		pthread_mutex_unlock(&k->mu);
		say_swept(k);
		retention_sweep_told(&k->sweep);
	}
	buf_free(&json);
	return err;
}

static void finished(void *arg)
{
	struct retentions *k = arg;
	bool again = k->err != 0 || k->drop.full || k->sweep.held;
	k->retry_ns = again ? mono_now() + RETENTIONS_RETRY_NS : 0;
	retention_sweep_end(&k->sweep);
	buf_free(&k->rules);
	arena_free(&k->arena);
	free(k->d);
	k->d = NULL;
	k->busy = false;
	pthread_mutex_lock(&k->mu);
	k->running = false;
	k->owes = retention_sweep_owes(&k->sweep);
	pthread_mutex_unlock(&k->mu);
}

static void end(struct retentions *k, int err)
{
	struct node *n = k->node;
	if (err == 0)
		err = keep_outcome(k);
	k->err = err;
	if (err != 0 && k->d->msg == MSG_NONE)
		diag_set(k->d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_RETENTION_FAILED);
	if (err != 0 && err != MO_ECANCELED)
		node_log(n, "error", k->d);
	if (err == 0 && k->drop.values) {
		diag_set(k->d, 0, MSG_RETENTION_APPLIED);
		diag_int(k->d, 0, (int64_t)k->drop.values);
		diag_int(k->d, 1, (int64_t)(k->drop.bytes >> 10));
		node_log(n, "info", k->d);
	}
	if (err == 0 && k->drop.damaged + k->drop.full) {
		diag_set(k->d, MO_EFULL, MSG_RETENTION_LEFT);
		diag_int(k->d, 0, (int64_t)k->drop.damaged);
		diag_int(k->d, 1, (int64_t)k->drop.full);
		node_log(n, "warn", k->d);
	}
	k->post.fn = finished;
	k->post.arg = k;
	loop_post(n->loop, &k->post);
}

/* ---- the run ---- */

static int drop_one(void *arg, struct sdb *db, struct diag *d) { return sdb_drop(db, arg, d); }

static int begin(struct retentions *k, struct store_reader *r)
{
	struct retention rules = {0};
	int err = k->rules.n ? retention_read(&rules, &k->arena, buf_span(&k->rules), k->d) : 0;
	k->begun = true;
	k->step = STEP_VALUES;
	retention_sweep_begin(&k->sweep, &rules, k->now_ns);
	k->values = false;
	for (size_t i = 0; i < rules.n; i++)
		k->values |= retention_by_asset(rules.rules[i].class);
	return err == 0 && k->values ? make_limits(k, r, &rules) : err;
}

/* Rules that were changed meanwhile must not go on deleting. */
static bool outdated(struct retentions *k)
{
	pthread_mutex_lock(&k->mu);
	bool changed = k->changed;
	pthread_mutex_unlock(&k->mu);
	return changed;
}

/* A segment, or a slice of what the store holds. MO_EAGAIN: there is more. */
static int step(struct retentions *k, struct store_reader *r)
{
	int err;
	if (k->step == STEP_VALUES)
		err = k->values ? writer_flush_call(k->node->writer, drop_one, &k->drop, k->d) : 0;
	else
		err = retention_sweep_step(&k->sweep, class_of[k->step], r, k->d);
	if (err != 0)
		return err;
	k->step++;
	return k->step == STEPS ? 0 : MO_EAGAIN;
}

static void turn(struct work *w, struct store_reader *r)
{
	struct retentions *k = (struct retentions *)((char *)w - offsetof(struct retentions, work));
	struct node *n = k->node;
	int err = k->begun ? 0 : begin(k, r);
	while (err == 0 || err == MO_EAGAIN) {
		if (node_stopping(n) || outdated(k)) {
			err = diag_set(k->d, MO_ECANCELED, MSG_NODE_STOPPING);
			break;
		}
		err = step(k, r);
		if (err != MO_EAGAIN)
			break;
		if (node_work(n, &k->work) == 0)
			return; /* k is another turn's now */
	}
	end(k, err);
}

static void start(struct retentions *k, int64_t mono)
{
	k->d = calloc(1, sizeof *k->d);
	arena_init(&k->arena, LIMITS_BYTES_MAX);
	buf_init(&k->rules, 0);
	k->drop = (struct sdb_drop){0};
	k->begun = false;
	k->now_ns = clock_now(k->node->clock);
	k->work.fn = turn;
	pthread_mutex_lock(&k->mu);
	buf_add(&k->rules, buf_span(&k->json));
	k->rules_version = k->version;
	bool whole = k->d && !k->rules.err;
	bool changed = k->changed;
	k->changed = !whole && changed;
	k->running = whole;
	pthread_mutex_unlock(&k->mu);
	k->busy = whole;
	if (whole && node_work(k->node, &k->work) == 0)
		return;
	pthread_mutex_lock(&k->mu);
	k->changed = changed;
	k->running = false;
	pthread_mutex_unlock(&k->mu);
	buf_free(&k->rules);
	arena_free(&k->arena);
	free(k->d);
	k->d = NULL;
	k->busy = false;
	k->retry_ns = mono + NS_PER_S;
}

/* ---- when ---- */

/* The night that t belongs to, as a number that differs from night to night. */
static int64_t night_of(struct node *n, int64_t t_ns)
{
	struct civil c;
	zone_local(&c, n->zone, t_ns - RETENTIONS_HOUR * 3600 * NS_PER_S);
	return (c.year * INT64_C(16) + c.month) * 32 + c.day;
}

void retentions_tick(struct retentions *k)
{
	int64_t now = clock_now(k->node->clock), mono = mono_now();
	bool trust = retention_trusts(&k->clock, now, mono) || clock_mode(k->node->clock) != CLOCK_REAL; /* a demo's goes as it is told */
	pthread_mutex_lock(&k->mu);
	bool any = k->json.n > 0, changed = k->changed;
	bool due = k->owes || (any && (changed || k->last_version != k->version || k->last_ns == T_NONE || night_of(k->node, now) != night_of(k->node, k->last_ns) || k->retry_ns));
	k->waits = due && !trust;
	pthread_mutex_unlock(&k->mu);
	if (due && trust && !k->busy && (changed || mono >= k->retry_ns) && !node_stopping(k->node))
		start(k, mono);
}

/* ---- the rules ---- */

/* An empty list is none. */
static void take_rules(struct retentions *k, struct span json, int64_t version)
{
	struct retention rules;
	struct arena a;
	arena_init(&a, 4u << 20);
	buf_reset(&k->json);
	k->version = version;
	if (retention_read(&rules, &a, json, NULL) == 0 && rules.n)
		buf_add(&k->json, json);
	arena_free(&a);
}

int retentions_changed(struct retentions *k, struct span json, int64_t version)
{
	pthread_mutex_lock(&k->mu);
	take_rules(k, json, version);
	k->changed = true;
	int err = k->json.err;
	pthread_mutex_unlock(&k->mu);
	return err;
}

/* When the node's clock showed its last time, a run before. */
static int64_t last_time(struct store_reader *r)
{
	struct buf mark;
	int64_t t = T_NONE;
	buf_init(&mark, 0);
	if (store_get_mark(r, SPAN_LIT("last_time"), &mark, NULL) == 0 && mark.n == 8) {
		struct rd rd = rd_of(buf_span(&mark));
		t = (int64_t)rd_u64(&rd);
	}
	buf_free(&mark);
	return t;
}

static int read_last(struct retentions *k, struct store_reader *r)
{
	struct json_value *root;
	struct arena a;
	int err = node_mark(r, SPAN_LIT(RETENTIONS_MARK), &k->last);
	k->last_ns = T_NONE;
	if (err != 0 || !k->last.n)
		return err;
	arena_init(&a, 1u << 20);
	if (json_parse(&root, &a, buf_span(&k->last), NULL) == 0 && (json_get_time(root, "t", &k->last_ns, NULL) != 0 || json_get_i64(root, "version", &k->last_version, NULL) != 0))
		k->last_ns = T_NONE;
	arena_free(&a);
	return err;
}

int retentions_new(struct retentions **ret, struct node *n, struct store_reader *r)
{
	struct retentions *k = calloc(1, sizeof *k);
	struct buf json;
	int64_t version, last;
	if (!k)
		return MO_ENOMEM;
	k->node = n;
	pthread_mutex_init(&k->mu, NULL);
	buf_init(&k->json, 0);
	buf_init(&k->last, 0);
	buf_init(&json, 0);
	int err = store_get_doc(r, DOC_SETTING, SPAN_LIT(RETENTIONS_DOC), &json, &version, NULL);
	if (err == 0)
		take_rules(k, buf_span(&json), version);
	if (err == 0 || err == MO_ENOENT)
		err = read_last(k, r);
	if (err == 0)
		err = retention_sweep_load(&k->sweep, n, r);
	if (err == 0)
		err = k->json.err;
	k->owes = err == 0 && retention_sweep_owes(&k->sweep);
	buf_free(&json);
	last = last_time(r);
	retention_clock_begin(&k->clock, last, clock_now(n->clock), mono_now());
	if (err != 0) {
		retentions_free(k);
		return err;
	}
	*ret = k;
	return 0;
}

void retentions_free(struct retentions *k)
{
	if (!k)
		return;
	if (k->busy) {
		retention_sweep_end(&k->sweep);
		buf_free(&k->rules);
		arena_free(&k->arena);
		free(k->d);
	}
	buf_free(&k->json);
	buf_free(&k->last);
	pthread_mutex_destroy(&k->mu);
	free(k);
}

void retentions_state(struct retentions *k, struct retentions_state *ret)
{
	*ret = (struct retentions_state){0};
	buf_init(&ret->last, 0);
	if (!k)
		return;
	pthread_mutex_lock(&k->mu);
	ret->running = k->running || (k->changed && k->json.n > 0);
	ret->waits = k->waits;
	buf_add(&ret->last, buf_span(&k->last));
	pthread_mutex_unlock(&k->mu);
}
