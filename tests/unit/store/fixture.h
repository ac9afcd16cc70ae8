/* A store in memory files, and short ways to put and read. */
#ifndef MO_TESTS_STORE_FIXTURE_H
#define MO_TESTS_STORE_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cm.h"

#include "os/memvfs.h"
#include "store/store.h"

#define DB_PATH "node/store.db"
#define T0 (INT64_C(1795392000) * NS_PER_S) /* 2026-11-22T16:00:00Z */
#define S(lit) span_str(lit)
#define OK(call) assert_int_equal((call), 0)

struct fixture {
	struct vfs *vfs;
	struct store *s;
	struct store_reader *r;
	struct diag d;
};

static inline void fx_reopen(struct fixture *f)
{
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	OK(store_open(&f->s, f->vfs, DB_PATH, &f->d));
	OK(store_reader_open(&f->r, f->vfs, DB_PATH, &f->d));
}

static inline int fx_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	if (!f || memvfs_new(&f->vfs, 1) || vfs_mkdir(f->vfs, "node", false) || vfs_sync_dir(f->vfs, "/"))
		return -1;
	fx_reopen(f);
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fixture *f = *state;
	store_reader_close(f->r);
	store_close(f->s);
	vfs_free(f->vfs);
	free(f);
	return 0;
}

/* ---- putting ---- */

static inline struct lot_key lk(const char *firm, const char *number) { return (struct lot_key){S(firm), S(number)}; }

static inline int put_at(struct fixture *f, const struct record *r, int64_t t, enum store_did *did)
{
	*did = STORE_SAME;
	return store_put_record(f->s, r, t, did, &f->d);
}

static inline struct record r_lot(const char *firm, const char *number)
{
	return (struct record){.type = REC_LOT, .lot = {.key = lk(firm, number), .made_ns = T_NONE, .quantity = NAN}};
}
static inline struct record r_asset(const char *code, const char *name, enum asset_kind kind)
{
	return (struct record){.type = REC_ASSET, .asset = {.code = S(code), .name = span_str(name), .kind = kind}};
}
static inline struct record r_link(const char *parent, const char *child)
{
	return (struct record){.type = REC_LINK, .link = {.parent = lk("F", parent), .child = lk("F", child), .quantity = NAN}};
}
static inline struct record r_operation(const char *id, const char *machine, int64_t start, int64_t end)
{
	return (struct record){.type = REC_OPERATION,
		.operation = {.id = S(id), .machine = S(machine), .start_ns = start, .end_ns = end, .good = NAN, .rework = NAN, .scrap = NAN,
			.concession = NAN}};
}
static inline struct record r_event(const char *id, const char *kind, int64_t t)
{
	return (struct record){.type = REC_EVENT, .event = {.id = S(id), .kind = S(kind), .t_ns = t, .quantity = NAN}};
}
static inline struct record r_characteristic(const char *id, const char *number, const char *name, double value)
{
	return (struct record){.type = REC_CHARACTERISTIC,
		.characteristic = {.id = S(id), .lot = lk("F", number), .name = S(name), .value = value, .lower = NAN, .upper = NAN, .judged = -1,
			.t_ns = T0}};
}

/* Puts one record in a transaction of its own. */
static inline enum store_did put1(struct fixture *f, struct record r)
{
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	OK(put_at(f, &r, T0, &did));
	OK(store_commit(f->s, &f->d));
	return did;
}

/* ---- reading: everything as text, columns parted by '|', rows ended by '\n'; "-" is no value ---- */

static inline void fx_cell(char *out, size_t size, const struct col_def *def, const struct col *c, size_t row)
{
	size_t n = strlen(out);
	if (c->null && c->null[row]) {
		snprintf(out + n, size - n, "-");
		return;
	}
	switch (def->type) {
	case COL_BOOL:
		snprintf(out + n, size - n, "%d", c->b[row]);
		break;
	case COL_I64:
		snprintf(out + n, size - n, "%lld", (long long)c->i64[row]);
		break;
	case COL_TIME:
		snprintf(out + n, size - n, "T%+lld", (long long)((c->i64[row] - T0) / NS_PER_S));
		break;
	case COL_F64:
		snprintf(out + n, size - n, "%g", c->f64[row]);
		break;
	case COL_STR:
	case COL_BYTES:
	case COL_JSON:
		snprintf(out + n, size - n, "%.*s", SPAN_FMT(c->str[row]));
		break;
	}
}

/* Only the columns named in `want` (parted by blanks), all when NULL. */
static inline const char *sel(struct fixture *f, enum store_query q, const char *want, const struct store_arg *args, size_t n)
{
	static char out[1 << 16];
	struct table_cursor *c = NULL;
	struct table_batch b;
	out[0] = '\0';
	OK(store_select(f->r, &c, q, args, n, &f->d));
	for (;;) {
		OK(table_next(c, &b, &f->d));
		if (!b.n_rows)
			break;
		for (size_t row = 0; row < b.n_rows; row++) {
			bool first = true;
			for (size_t i = 0; i < c->n_cols; i++) {
				char name[64];
				snprintf(name, sizeof name, " %s ", c->cols[i].name);
				char list[256];
				snprintf(list, sizeof list, " %s ", want ? want : "");
				if (want && !strstr(list, name))
					continue;
				if (!first)
					strcat(out, "|");
				first = false;
				fx_cell(out, sizeof out, &c->cols[i], &b.cols[i], row);
			}
			strcat(out, "\n");
		}
	}
	table_close(c);
	return out;
}
#define A(...) (struct store_arg[]){__VA_ARGS__}, sizeof((struct store_arg[]){__VA_ARGS__}) / sizeof(struct store_arg)
#define NIL sarg_null()
#define TX(lit) sarg_s(span_str(lit))

#endif
