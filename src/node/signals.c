/* Signal rows for series that have none. A series is durable with its first
 * values, its row in the store follows a moment later: a crash in between, or
 * a full store queue, leaves a series that no list shows. The key says what
 * its asset and signal are. */
#include <stdlib.h>

#include "base/map.h"
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

/* The series of all rows, by their uuid in text. Counting would not do: a row may stand without its series, where a damaged file was set aside. */
static int with_rows(struct store_reader *r, struct map *ret, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_null(), sarg_null(), sarg_i(INT64_MAX)};
	int err = store_select(r, &cur, SQ_SIGNALS, a, 3, d);
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++)
			err = map_put(ret, b.cols[1].str[i], 1);
	table_close(cur);
	return err;
}

int signals_repair(struct node *n, struct store_reader *r, struct diag *d)
{
	struct map known;
	series_id max = sdb_max_id(n->sdb);
	map_init(&known);
	int err = with_rows(r, &known, d);
	for (series_id id = 1; id <= max && err == 0; id++) {
		struct series_def def;
		char uuid[UUID_TEXT];
		if (sdb_get_def(n->sdb, id, &def) != 0)
			continue;
		uuid_format(uuid, &def.uuid);
		if (!map_get(&known, span_str(uuid)))
			err = repair_one(n, &def, d);
	}
	map_free(&known);
	return err;
}
