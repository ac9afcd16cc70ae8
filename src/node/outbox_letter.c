#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "codec/json_row.h"
#include "node/priv/outbox_letter.h"

publisher_set letter_topic(publisher_set what, struct span noun)
{
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		const char *of = publisher_row((enum publisher)i)->noun;
		if (of && (what & publisher_bit((enum publisher)i)) && span_is(noun, of))
			return publisher_bit((enum publisher)i);
	}
	return what & publisher_bit(PUBLISHER_CHANGES);
}

/* ---- what changed, as it is now ---- */

/* data: the first row, or null. */
static int row(struct json_writer *w, struct store_reader *r, enum store_query q, const struct store_arg *args, size_t n, bool *ret_any, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	int err = store_select(r, &cur, q, args, n, d);
	if (err == 0)
		err = table_next(cur, &b, d);
	*ret_any = err == 0 && b.n_rows > 0;
	if (*ret_any) {
		jw_object(w);
		jw_row(w, cur->cols, cur->n_cols, &b, 0);
		jw_object_end(w);
	}
	table_close(cur);
	return err;
}

/* "FIRM/NUMBER": a firm's code holds no '/'. */
static bool lot_key(struct store_arg ret[2], struct span key)
{
	size_t slash = span_find(key, 0, '/');
	ret[0] = sarg_s(span_sub(key, 0, slash));
	ret[1] = sarg_s(span_sub(key, slash + 1, key.n));
	return slash < key.n;
}

/* "PARENT > CHILD", where numbers may hold " > " themselves: the first way to part it that names a link. */
static int link_row(struct json_writer *w, struct store_reader *r, struct span key, bool *any, struct diag *d)
{
	int err = 0;
	for (size_t i = 1; err == 0 && !*any && i + 3 < key.n; i++) {
		struct store_arg a[4];
		if (memcmp(key.p + i, " > ", 3) == 0 && lot_key(a, span_sub(key, 0, i)) && lot_key(a + 2, span_sub(key, i + 3, key.n)))
			err = row(w, r, SQ_LINK, a, 4, any, d);
	}
	return err;
}

static int content(struct json_writer *w, enum publisher p, struct span key, struct store_reader *r, struct diag *d)
{
	struct store_arg a[2] = {sarg_s(key)};
	bool any = false;
	int64_t id;
	int err = 0;
	switch (p) {
	case PUBLISHER_ASSETS: err = row(w, r, SQ_ASSET, a, 1, &any, d); break;
	case PUBLISHER_SIGNALS: err = row(w, r, SQ_SIGNAL, a, 1, &any, d); break;
	case PUBLISHER_LOTS: err = lot_key(a, key) ? row(w, r, SQ_LOT, a, 2, &any, d) : 0; break;
	case PUBLISHER_LINKS: err = link_row(w, r, key, &any, d); break;
	case PUBLISHER_OPERATIONS: err = row(w, r, SQ_OPERATION, a, 1, &any, d); break;
	case PUBLISHER_EVENTS: err = row(w, r, SQ_EVENT, a, 1, &any, d); break;
	case PUBLISHER_CHARACTERISTICS: err = row(w, r, SQ_CHARACTERISTIC, a, 1, &any, d); break;
	case PUBLISHER_STATES: err = row(w, r, SQ_STATE_NOW, a, 1, &any, d); break;
	case PUBLISHER_CASES:
		if (num_i64(&id, key) == 0) {
			a[0] = sarg_i(id);
			err = row(w, r, SQ_CASE, a, 1, &any, d);
		}
		break;
	case PUBLISHER_CHANGES:
	case PUBLISHER_GAP:
	case PUBLISHER_TEST:
	case PUBLISHERS:
		break;
	}
	if (err == 0 && !any)
		jw_null(w);
	return err;
}

/* ---- the envelope ---- */

static void head(struct json_writer *w, const struct letter_from *from, const char *id, const char *type, int64_t sequence, int64_t t_ns)
{
	char digits[24];
	jw_object(w);
	jw_key(w, "specversion");
	jw_cstr(w, "1.0");
	jw_key(w, "id");
	jw_cstr(w, id);
	jw_key(w, "source");
	jw_cstr(w, from->source);
	jw_key(w, "type");
	jw_cstr(w, type);
	jw_key(w, "time");
	jw_time(w, t_ns);
	if (sequence) {
		snprintf(digits, sizeof digits, "%020" PRId64, sequence);
		jw_key(w, "sequence");
		jw_cstr(w, digits);
	}
	jw_key(w, "datacontenttype");
	jw_cstr(w, "application/json");
}

int letter_change(struct json_writer *w, const struct letter_from *from, publisher_set topic, const struct letter_change *c, struct store_reader *r,
	struct diag *d)
{
	char id[LETTER_FEED_TEXT + 24], type[64];
	unsigned p = 0;
	while (p < PUBLISHERS && !(topic & publisher_bit((enum publisher)p)))
		p++;
	snprintf(id, sizeof id, "%s-%" PRId64, from->feed, c->number);
	snprintf(type, sizeof type, "moru.%.*s.%.*s", SPAN_FMT(c->noun), SPAN_FMT(c->did));
	head(w, from, id, type, c->number, c->t_ns);
	jw_key(w, "subject");
	jw_str(w, c->key);
	jw_key(w, "data");
	int err = 0;
	if (p == PUBLISHER_CHANGES)
		jw_null(w);
	else
		err = content(w, (enum publisher)p, c->key, r, d);
	jw_object_end(w);
	return err != 0 ? err : w->out->err ? diag_set(d, w->out->err, MSG_OUT_OF_MEMORY) : 0;
}

void letter_gap(struct json_writer *w, const struct letter_from *from, int64_t first, int64_t last, int64_t now_ns)
{
	char id[LETTER_FEED_TEXT + 64];
	snprintf(id, sizeof id, "%s-gap-%" PRId64 "-%" PRId64, from->feed, first, last);
	head(w, from, id, "moru.gap", last, now_ns);
	jw_key(w, "data");
	jw_object(w);
	jw_key(w, "from");
	jw_i64(w, first);
	jw_key(w, "to");
	jw_i64(w, last);
	jw_object_end(w);
	jw_object_end(w);
}

void letter_test(struct json_writer *w, const struct letter_from *from, uint64_t number, int64_t now_ns)
{
	char id[LETTER_FEED_TEXT + 32];
	snprintf(id, sizeof id, "%s-test-%016" PRIx64, from->feed, number);
	head(w, from, id, "moru.test", 0, now_ns);
	jw_key(w, "data");
	jw_null(w);
	jw_object_end(w);
}
