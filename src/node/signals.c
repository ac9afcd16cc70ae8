/* Signal rows for series that have none. A series is durable with its first
 * values, its row in the store follows a moment later: a crash in between, or
 * a full store queue, leaves a series that no list shows. The key says what
 * its asset and signal are. */
#include <stdlib.h>

#include "node/priv/labels.h"

struct repair_job {
	struct sjob job;
	struct node *n;
	struct store_signal sig;
};

static int repair_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct repair_job *q = (struct repair_job *)j;
	struct signal_words said;
	enum store_did did;
	if (labels_find(q->n, q->sig.asset, q->sig.name, &said)) {
		q->sig.label = span_str(said.label);
		q->sig.unit = said.unit[0] ? span_str(said.unit) : q->sig.unit;
	}
	return store_put_signal(s, &q->sig, &did, d);
}

static int repair_one(struct node *n, const struct series_def *def, struct diag *d)
{
	struct buf asset, field;
	buf_init(&asset, 0);
	buf_init(&field, 0);
	series_key_read(def->key, &asset, &field);
	int err = asset.err ? asset.err : field.err;
	if (err == 0 && asset.n && field.n) {
		struct repair_job q = {.n = n, .sig = {.series = def->uuid, .asset = buf_span(&asset), .name = buf_span(&field), .unit = def->unit,
			.type = (int)def->type, .kind = (int)def->kind}};
		err = storer_run(n->storer, repair_run, &q.job, d);
	}
	buf_free(&asset);
	buf_free(&field);
	/* What the store refuses for good is not asked again and again. */
	return err == MO_ENOMEM || err == MO_EIO || err == MO_EFULL ? err : 0;
}

static int has_row(struct store_reader *r, const struct uuid *u, bool *ret, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	char id[UUID_TEXT];
	uuid_format(id, u);
	struct store_arg a[] = {sarg_s(span_str(id))};
	int err = store_select(r, &cur, SQ_SIGNAL, a, 1, d);
	if (err == 0)
		err = table_next(cur, &b, d);
	*ret = err == 0 && b.n_rows > 0;
	table_close(cur);
	return err;
}

/* How many signals the store counts; < 0: it does not say. */
static int64_t counted(struct store_reader *r)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	int64_t n = 0;
	int err = store_select(r, &cur, SQ_COUNTS, NULL, 0, NULL);
	while (err == 0 && (err = table_next(cur, &b, NULL)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++)
			if (span_is(b.cols[0].str[i], "signal"))
				n = b.cols[1].i64[i];
	table_close(cur);
	return err == 0 ? n : -1;
}

int signals_repair(struct node *n, struct store_reader *r, struct diag *d)
{
	series_id max = sdb_max_id(n->sdb);
	if (counted(r) == (int64_t)max)
		return 0;
	int err = 0;
	for (series_id id = 1; id <= max && err == 0; id++) {
		struct series_def def;
		bool there = false;
		if (sdb_get_def(n->sdb, id, &def) != 0)
			continue;
		err = has_row(r, &def.uuid, &there, d);
		if (err == 0 && !there)
			err = repair_one(n, &def, d);
	}
	return err;
}
