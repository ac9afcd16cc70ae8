/* From series keys to ids; new series get a signal row in the store. A series and its row are two stores' business: the row's job is made
 * before the series is defined, so that no memory means no series, and waits for the sync that covers the definition, so that no crash leaves
 * a row without its series; a row that the store has no room or no luck for is kept and given again within a second, with its label, which no
 * key holds. What a crash takes signals.c makes anew from the key.
 *
 *   job made --series defined--> new --synced--> submitted --stored--> freed
 *                                                 |   ^ every second
 *                                                 v   |
 *                                                 late (at most LATE_ROWS_MAX; more: signals_missing) */
#include <stdlib.h>

#include "node/disk.h"
#include "node/priv/labels.h"

#define LATE_ROWS_MAX 4096u

struct signal_job {
	struct sjob job;
	struct node *n;
	struct store_signal sig;
	uint8_t text[]; /* the spans of sig */
};

static int signal_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct signal_job *q = (struct signal_job *)j;
	struct store_signal sig = q->sig;
	struct signal_words said;
	enum store_did did;
	if (span_is(sig.source, "http") && labels_find(q->n, sig.asset, sig.name, &said)) {
		sig.label = span_str(said.label);
		sig.unit = span_str(said.unit);
	}
	return store_put_signal(s, &sig, &did, d);
}

/* Any thread. Takes the job over. */
static void keep_late(struct node *n, struct sjob *j)
{
	pthread_mutex_lock(&n->mu);
	if (n->n_late_rows < LATE_ROWS_MAX) {
		j->next = n->late_rows;
		n->late_rows = j;
		n->n_late_rows++;
		j = NULL;
	}
	pthread_mutex_unlock(&n->mu);
	if (j)
		atomic_store(&n->signals_missing, true);
	free(j);
}

static void signal_done(struct sjob *j, int err, const struct diag *d)
{
	(void)d;
	/* What the store refuses for good is not asked again and again. */
	if (err == 0 || err == MO_EINVAL || err == MO_EEXIST || err == MO_ELIMIT || err == MO_ENOENT)
		free(j);
	else
		keep_late(((struct signal_job *)j)->n, j);
}

void signals_late(struct node *n)
{
	pthread_mutex_lock(&n->mu);
	struct sjob *j = n->late_rows;
	n->late_rows = NULL;
	n->n_late_rows = 0;
	pthread_mutex_unlock(&n->mu);
	while (j) {
		struct sjob *next = j->next;
		if (storer_submit(n->storer, j) != 0)
			keep_late(n, j);
		j = next;
	}
}

void signals_synced(void *arg)
{
	struct node *n = arg;
	struct sjob *j = n->new_rows;
	n->new_rows = NULL;
	n->new_rows_end = &n->new_rows;
	while (j) {
		struct sjob *next = j->next;
		if (storer_submit(n->storer, j) != 0)
			keep_late(n, j); /* a full store queue only delays the row */
		j = next;
	}
}

static void free_rows(struct sjob **rows)
{
	while (*rows) {
		struct sjob *next = (*rows)->next;
		free(*rows);
		*rows = next;
	}
}

void signals_late_free(struct node *n)
{
	free_rows(&n->new_rows);
	free_rows(&n->late_rows);
	n->new_rows_end = &n->new_rows;
	n->n_late_rows = 0;
}

static struct span keep(uint8_t **at, struct span s)
{
	if (s.n)
		memcpy(*at, s.p, s.n);
	struct span r = span_of(*at, s.n);
	*at += s.n;
	return r;
}

static struct signal_job *signal_job_new(struct node *n, const struct point_key *k, const struct uuid *id)
{
	size_t bytes = sizeof(struct signal_job) + k->asset.n + k->signal.n + k->label.n + k->unit.n + k->source.n;
	struct signal_job *j = calloc(1, bytes);
	if (!j)
		return NULL;
	uint8_t *at = j->text;
	j->n = n;
	j->job.run = signal_run;
	j->job.done = signal_done;
	j->sig = (struct store_signal){.series = *id,
		.asset = keep(&at, k->asset),
		.name = keep(&at, k->signal),
		.label = keep(&at, k->label),
		.unit = keep(&at, k->unit),
		.source = keep(&at, k->source),
		.type = (int)k->type,
		.kind = (int)k->kind};
	return j;
}

/* A device's document may call a series that is there by another label or unit than before; its row hears so. */
static void name_again(struct node *n, const struct point_key *k, series_id id)
{
	struct series_def def;
	struct signal_job *row = NULL;
	if (sdb_get_def(n->sdb, id, &def) == 0)
		row = signal_job_new(n, k, &def.uuid);
	if (row && storer_submit(n->storer, &row->job) != 0)
		keep_late(n, &row->job);
}

int node_resolve(struct node *n, const struct point_key *k, series_id *ret, struct diag *d)
{
	struct series_def def = {.type = k->type, .kind = k->kind, .key = k->key, .unit = k->unit};
	struct signal_job *row = NULL;
	bool is_new = false, there;
	series_id known;
	int err = 0;
	there = sdb_find(n->sdb, k->key, &known) == 0;
	if (!there) {
		/* A series is a record in the log, which may need room: the disk's word is given here, before the log is asked. */
		err = disk_allows(node_disk(n), DISK_VALUES, d);
		if (err != 0)
			return err;
		err = os_uuid(&def.uuid, clock_now(n->clock));
		if (err == 0 && !(row = signal_job_new(n, k, &def.uuid)))
			err = MO_ENOMEM;
		if (err != 0)
			return diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_LOG_FLUSH);
	}
	err = sdb_define(n->sdb, &def, ret, &is_new, d);
	if (err != 0 || !is_new) {
		free(row);
	} else {
		*n->new_rows_end = &row->job;
		n->new_rows_end = &row->job.next;
	}
	if (err == 0 && there && span_starts(k->source, "device:"))
		name_again(n, k, *ret);
	return err;
}

static void key_part(struct buf *out, struct span s, bool measurement)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		if (c == ',' || c == ' ' || (c == '=' && !measurement) || c == '\\')
			buf_addc(out, '\\');
		buf_addc(out, c);
	}
}

struct tag {
	struct span key, value;
};

static int tag_cmp(const void *a, const void *b) { return span_cmp(((const struct tag *)a)->key, ((const struct tag *)b)->key); }

void series_key_write(struct buf *out, struct span measurement, const struct span *tag_kv, size_t n_tags, struct span field)
{
	struct tag tags[64];
	if (n_tags > 64)
		n_tags = 64; /* LINEPROTO_TAGS_MAX refuses more before */
	for (size_t i = 0; i < n_tags; i++)
		tags[i] = (struct tag){tag_kv[2 * i], tag_kv[2 * i + 1]};
	qsort(tags, n_tags, sizeof *tags, tag_cmp);
	key_part(out, measurement, true);
	for (size_t i = 0; i < n_tags; i++) {
		buf_addc(out, ',');
		key_part(out, tags[i].key, false);
		buf_addc(out, '=');
		key_part(out, tags[i].value, false);
	}
	buf_addc(out, ' ');
	key_part(out, field, false);
}

uint8_t node_time_quality(struct node *n, struct offset *o, int64_t t_ns, int64_t arrival_ns, bool from_device)
{
	static const int64_t skew_ns = 5 * NS_PER_S;
	static const int64_t year_2000_ns = INT64_C(946684800) * NS_PER_S;
	bool beyond = o && clock_mode(n->clock) == CLOCK_REAL && offset_seen(o, t_ns, arrival_ns);
	bool future = arrival_ns < INT64_MAX - skew_ns && t_ns > arrival_ns + skew_ns;
	return beyond || future || (from_device && t_ns < year_2000_ns) ? Q_UNCERTAIN_TIME : Q_GOOD;
}
