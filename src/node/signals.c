/* Signal rows for series that have none. A series is durable with its first
 * values, its row in the store follows a moment later: a crash in between, or
 * a full store queue, leaves a series that no list shows. The key says what
 * its asset and signal are. */
#include <stdlib.h>

#include "codec/lineproto.h"
#include "node/priv/node.h"

struct repair_job {
	struct sjob job;
	struct store_signal sig;
};

static int repair_run(struct sjob *j, struct store *s, struct diag *d)
{
	enum store_did did;
	return store_put_signal(s, &((struct repair_job *)j)->sig, &did, d);
}

/* As the doors name them: the asset is the tag `asset`, else the measurement; a key is a line without a value. */
static int repair_one(struct node *n, struct lineproto *p, const struct series_def *def, struct diag *d)
{
	struct lineproto_line l;
	struct buf line, text;
	buf_init(&line, 0);
	buf_init(&text, 0);
	buf_add(&line, def->key);
	buf_adds(&line, "=1");
	int err = line.err ? line.err : lineproto_parse(p, buf_span(&line), &l, d);
	size_t asset_n = 0;
	if (err == 0 && l.n_fields == 1) {
		struct span asset = l.measurement;
		for (size_t i = 0; i < l.n_tags; i++)
			if (span_is(l.tags[i].key, "asset"))
				asset = l.tags[i].value;
		lineproto_unescape(&text, asset);
		asset_n = text.n;
		lineproto_unescape(&text, l.fields[0].key);
		err = text.err;
	}
	if (err == 0 && asset_n && text.n > asset_n) {
		struct repair_job q = {.sig = {.series = def->uuid, .asset = span_of(text.p, asset_n), .name = span_of(text.p + asset_n, text.n - asset_n),
			.unit = def->unit, .type = (int)def->type, .kind = (int)def->kind}};
		err = storer_run(n->storer, repair_run, &q.job, d);
	}
	buf_free(&line);
	buf_free(&text);
	/* A key of another naming has no signal; what the store refuses for good is not asked again and again. */
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
	struct lineproto *p = NULL;
	series_id max = sdb_max_id(n->sdb);
	if (counted(r) == (int64_t)max)
		return 0;
	int err = lineproto_new(&p, 1);
	for (series_id id = 1; id <= max && err == 0; id++) {
		struct series_def def;
		bool there = false;
		if (sdb_get_def(n->sdb, id, &def) != 0)
			continue;
		err = has_row(r, &def.uuid, &there, d);
		if (err == 0 && !there)
			err = repair_one(n, p, &def, d);
	}
	lineproto_free(p);
	return err;
}
