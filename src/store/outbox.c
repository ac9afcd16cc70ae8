#include "store/outbox.h"

#include "store/priv/impl.h"

/* An update that had a row to change; else MO_ENOENT without words. */
static int run_one(struct store *s, enum statement st, const struct store_arg *args, unsigned n, struct diag *d)
{
	int err = store_writing(s, d);
	if (!err)
		err = db_run(&s->db, st, args, n, d);
	return err ? err : sqlite3_changes(s->db.sq) ? 0 : MO_ENOENT;
}

int store_outbox_put(struct store *s, struct span sink, const struct uuid *node, int64_t cursor, int64_t *ret_id, struct diag *d)
{
	struct store_arg who = sarg_b(span_of(node->b, sizeof node->b));
	int64_t id = 0;
	int err = store_writing(s, d);
	if (err)
		return err;
	err = db_find(&s->db, ST_OUTBOX_FIND, ARGS(sarg_s(sink)), &id, d);
	if (err == MO_ENOENT) {
		err = db_run(&s->db, ST_OUTBOX_ADD, ARGS(sarg_s(sink), who, sarg_i(cursor)), d);
		id = sqlite3_last_insert_rowid(s->db.sq);
	} else if (!err) {
		err = db_run(&s->db, ST_OUTBOX_NODE, ARGS(sarg_i(id), who), d);
	}
	if (!err)
		*ret_id = id;
	return err;
}

int store_outbox_drop(struct store *s, struct span sink, struct diag *d)
{
	int err = store_writing(s, d);
	if (!err)
		err = db_run(&s->db, ST_ASIDES_DROP, ARGS(sarg_s(sink)), d);
	return err ? err : db_run(&s->db, ST_OUTBOX_DROP, ARGS(sarg_s(sink)), d);
}

int store_outbox_sent(struct store *s, int64_t id, int64_t cursor, int64_t n, int64_t now_ns, struct diag *d)
{
	return run_one(s, ST_OUTBOX_SENT, ARGS(sarg_i(id), sarg_i(cursor), sarg_i(n), sarg_t(now_ns)), d);
}

int store_outbox_gap(struct store *s, int64_t id, int64_t to, struct diag *d)
{
	return run_one(s, ST_OUTBOX_GAP, ARGS(sarg_i(id), sarg_i(to)), d);
}

int store_outbox_told(struct store *s, int64_t id, int64_t to, int64_t now_ns, struct diag *d)
{
	return run_one(s, ST_OUTBOX_TOLD, ARGS(sarg_i(id), sarg_i(to), sarg_t(now_ns)), d);
}

int store_outbox_aside(struct store *s, int64_t id, int64_t number, int status, struct span reason, int64_t now_ns, struct diag *d)
{
	char text[OUTBOX_REASON_MAX];
	diag_copy(text, sizeof text, reason);
	int err = run_one(s, ST_OUTBOX_REACH, ARGS(sarg_i(id), sarg_i(number)), d);
	return err ? err : db_run(&s->db, ST_ASIDE_PUT, ARGS(sarg_i(id), sarg_i(number), sarg_i(now_ns), sarg_i(status), sarg_c(text)), d);
}

int store_outbox_again(struct store *s, struct span sink, int64_t aside, struct diag *d)
{
	return run_one(s, ST_ASIDE_AGAIN, ARGS(sarg_i(aside), sarg_s(sink)), d);
}

int store_outbox_forget(struct store *s, struct span sink, int64_t aside, struct diag *d)
{
	return run_one(s, ST_ASIDE_DROP, ARGS(sarg_i(aside), sarg_s(sink)), d);
}

int store_outbox_arrived(struct store *s, int64_t id, int64_t number, int64_t now_ns, struct diag *d)
{
	int err = run_one(s, ST_ASIDE_ARRIVED, ARGS(sarg_i(id), sarg_i(number)), d);
	return err ? err : run_one(s, ST_OUTBOX_COUNT, ARGS(sarg_i(id), sarg_t(now_ns)), d);
}
