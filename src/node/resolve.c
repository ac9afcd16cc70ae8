/* From series keys to ids; new series get a signal row in the store. Log thread only. */
#include <stdlib.h>

#include "node/priv/node.h"

struct signal_job {
	struct sjob job;
	struct store_signal sig;
	uint8_t text[]; /* the spans of sig */
};

static int signal_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct signal_job *q = (struct signal_job *)j;
	enum store_did did;
	return store_put_signal(s, &q->sig, &did, d);
}

static void signal_done(struct sjob *j, int err, const struct diag *d)
{
	(void)err; /* the next start makes the row from the series' key (signals.c) */
	(void)d;
	free(j);
}

static struct span keep(uint8_t **at, struct span s)
{
	if (s.n)
		memcpy(*at, s.p, s.n);
	struct span r = span_of(*at, s.n);
	*at += s.n;
	return r;
}

static int register_signal(struct node *n, const struct point_key *k, const struct uuid *id)
{
	size_t bytes = sizeof(struct signal_job) + k->asset.n + k->signal.n + k->label.n + k->unit.n + k->source.n;
	struct signal_job *j = calloc(1, bytes);
	if (!j)
		return MO_ENOMEM;
	uint8_t *at = j->text;
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
	int err = storer_submit(n->storer, &j->job);
	if (err != 0)
		free(j);
	return err;
}

int node_resolve(struct node *n, const struct point_key *k, series_id *ret, struct diag *d)
{
	struct series_def def = {.type = k->type, .kind = k->kind, .key = k->key, .unit = k->unit};
	bool is_new;
	int err = os_uuid(&def.uuid, clock_now(n->clock));
	if (err == 0)
		err = sdb_define(n->sdb, &def, ret, &is_new, d);
	int row = err == 0 && is_new ? register_signal(n, k, &def.uuid) : 0;
	if (row == MO_ENOMEM)
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	else if (row != 0)
		atomic_store(&n->signals_missing, true); /* a full store queue only delays the row (signals.c) */
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
