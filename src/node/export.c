/* See export.h. Whatever member is under way, a step makes one batch of it, gives it to the archive and adds it to the member's digest. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node.h"
#include "node/priv/export_run.h"

/* ---- readme, tables ---- */

static int readme(struct export *x, struct diag *d)
{
	static const char *const names[] = {"README.ko.txt", "README.en.txt"};
	if (x->next == 2) {
		export_set_state(x, TABLES);
		return 0;
	}
	int err = export_begin(x, names[x->next], true, false, d);
	if (err == 0) {
		buf_add(&x->out, buf_span(x->next == 0 ? &x->readme_ko : &x->readme_en));
		err = export_put(x, 0, d);
	}
	x->next++;
	return err == 0 ? export_end(x, d) : err;
}

static int open_cursor(struct export *x, int query, struct diag *d)
{
	struct store_arg a[] = {x->o.from_ns == INT64_MIN ? sarg_null() : sarg_i(x->o.from_ns), x->o.to_ns == INT64_MAX ? sarg_null() : sarg_i(x->o.to_ns),
		x->chosen.n ? sarg_s(buf_span(&x->chosen)) : sarg_null()};
	x->row = 0;
	x->batch = (struct table_batch){0};
	return store_select(x->reader, &x->cursor, (enum store_query)query, a, 3, d);
}

static void close_cursor(struct export *x)
{
	table_close(x->cursor);
	x->cursor = NULL;
}

static int one_table(struct export *x, const struct export_table *t, struct diag *d)
{
	int err;
	if (!x->cursor) {
		err = open_cursor(x, t->query, d);
		if (err == 0)
			err = export_begin(x, t->file, true, true, d);
		if (err == 0)
			export_csv_header(&x->out, t);
		return err != 0 ? err : export_put(x, 0, d);
	}
	err = table_next(x->cursor, &x->batch, d);
	if (err != 0)
		return err;
	if (x->batch.n_rows) {
		export_csv_rows(&x->out, x->cursor, &x->batch);
		x->report.records += x->batch.n_rows;
		return export_put(x, x->batch.n_rows, d);
	}
	close_cursor(x);
	x->next++;
	return export_end(x, d);
}

static int tables(struct export *x, struct diag *d)
{
	size_t n;
	const struct export_table *t = export_tables(&n);
	if (x->next < n && t[x->next].query >= 0)
		return one_table(x, &t[x->next], d);
	export_set_state(x, SIGNALS);
	return 0;
}

/* ---- signals, values ---- */

static void set_text(struct buf *b, const struct col *c)
{
	if (!c->null || !c->null[0])
		buf_add(b, c->str[0]);
}

/* Of a series whose row the store does not have yet, its key says what it is (node/signals.c). */
static int find_signal(struct export *x, series_id id, bool *ret_wanted, struct diag *d)
{
	struct signal_row *s = &x->signal;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	char uuid[UUID_TEXT];
	struct buf *const all[] = {&s->asset, &s->name, &s->label, &s->unit, &s->source};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_reset(all[i]);
	int err = sdb_get_def(x->o.sdb, id, &x->def);
	if (err != 0)
		return export_say(d, err, "series", x->path);
	uuid_format(uuid, &x->def.uuid);
	struct store_arg a[] = {sarg_s(span_str(uuid))};
	err = store_select(x->reader, &cur, SQ_SIGNAL, a, 1, d);
	if (err == 0)
		err = table_next(cur, &b, d);
	if (err == 0 && b.n_rows) {
		set_text(&s->asset, &b.cols[2]);
		set_text(&s->name, &b.cols[3]);
		set_text(&s->label, &b.cols[4]);
		set_text(&s->unit, &b.cols[5]);
		set_text(&s->source, &b.cols[6]);
	} else if (err == 0) {
		series_key_read(x->def.key, &s->asset, &s->name);
		buf_add(&s->unit, x->def.unit);
	}
	table_close(cur);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i]->err)
			return export_nomem(d);
	*ret_wanted = !x->chosen.n || map_get(&x->codes, buf_span(&s->asset));
	return err;
}

static int open_values(struct export *x, series_id id, struct diag *d)
{
	struct sdb_range r = {.from_ns = x->o.from_ns, .to_ns = x->o.to_ns, .want_arrival = true};
	return sdb_view_read(x->view, &x->values, id, &r, d);
}

static void close_values(struct export *x)
{
	sdb_cursor_close(x->values);
	x->values = NULL;
}

/* The next values; damaged blocks are passed over, and listed where `tell`. */
static int next_values(struct export *x, struct sdb_batch *b, bool tell, struct diag *d)
{
	for (;;) {
		int err = sdb_next(x->values, b, d);
		if (err != MO_ECORRUPT && err != MO_EVERSION)
			return err;
		struct diag none = {.err = err};
		if (tell && export_damaged(x, d ? d : &none, x->name) != 0)
			return export_nomem(d);
		diag_clear(d);
	}
}

static void values_name(struct export *x, struct buf *out, series_id id)
{
	buf_adds(out, "values/");
	export_name(out, buf_span(&x->signal.asset));
	buf_addc(out, '/');
	export_name(out, buf_span(&x->signal.name));
	buf_printf(out, "-%u.csv", (unsigned)id);
}

static const char *type_name(enum series_type t)
{
	return t == SERIES_F64 ? "float" : t == SERIES_I64 ? "integer" : t == SERIES_BOOL ? "boolean" : "string";
}

static int signal_line(struct export *x, series_id id, bool any, struct diag *d)
{
	struct signal_row *s = &x->signal;
	struct buf file;
	char uuid[UUID_TEXT];
	uuid_format(uuid, &x->def.uuid);
	buf_init(&file, 0);
	if (any)
		values_name(x, &file, id);
	export_csv_signal(&x->out, (struct span[]){buf_span(&s->asset), buf_span(&s->name), buf_span(&s->label), buf_span(&s->unit), span_str(type_name(x->def.type)),
		span_str(x->def.kind == SERIES_SEQUENCE ? "sequence" : "clock"), buf_span(&s->source), span_str(uuid), buf_span(&file)});
	int err = file.err ? export_nomem(d) : 0;
	buf_free(&file);
	return err != 0 ? err : export_put(x, 1, d);
}

static int signals(struct export *x, struct diag *d)
{
	size_t n;
	const struct export_table *t = export_tables(&n);
	bool wanted = false;
	int err;
	if (!x->open) {
		err = export_begin(x, t[n - 1].file, true, true, d);
		if (err == 0)
			export_csv_header(&x->out, &t[n - 1]);
		return err != 0 ? err : export_put(x, 0, d);
	}
	if (x->next == sdb_view_max_id(x->view)) {
		export_set_state(x, VALUES);
		return export_end(x, d);
	}
	series_id id = (series_id)++x->next;
	err = find_signal(x, id, &wanted, d);
	if (err != 0 || !wanted)
		return err;
	struct sdb_batch b = {.n = 0};
	err = open_values(x, id, d);
	if (err == 0)
		err = next_values(x, &b, false, d);
	close_values(x);
	return err != 0 ? err : signal_line(x, id, b.n > 0, d);
}

static int begin_values(struct export *x, series_id id, struct diag *d)
{
	struct buf name;
	buf_init(&name, 0);
	values_name(x, &name, id);
	buf_addc(&name, 0);
	int err = name.err ? export_nomem(d) : export_begin(x, (const char *)name.p, true, true, d);
	buf_free(&name);
	if (err == 0)
		export_values_header(&x->out, &x->def);
	return err != 0 ? err : export_put(x, 0, d);
}

static int values(struct export *x, struct diag *d)
{
	bool wanted = false;
	struct sdb_batch b = {.n = 0};
	int err;
	if (x->values) {
		err = next_values(x, &b, true, d);
		if (err == 0 && b.n) {
			if (!x->open)
				err = begin_values(x, (series_id)x->next, d);
			if (err != 0)
				return err;
			export_values(&x->out, &x->def, buf_span(&x->signal.unit), &b);
			x->report.values += b.n;
			return export_put(x, b.n, d);
		}
		close_values(x);
		return err == 0 && x->open ? export_end(x, d) : err;
	}
	if (x->next == sdb_view_max_id(x->view)) {
		sdb_view_free(x->view);
		x->view = NULL;
		export_set_state(x, RECORDS);
		return 0;
	}
	series_id id = (series_id)++x->next;
	err = find_signal(x, id, &wanted, d);
	if (err == 0 && wanted) {
		snprintf(x->name, sizeof x->name, "%.*s", (int)(x->signal.name.n < ZIP_NAME_MAX ? x->signal.name.n : ZIP_NAME_MAX), (const char *)x->signal.name.p);
		err = open_values(x, id, d);
	}
	return err;
}

/* ---- records ---- */

static int put_line(struct export *x, struct diag *d)
{
	char name[32];
	if (!x->open) {
		struct buf kept = x->out; /* export_begin() clears it */
		buf_init(&x->out, 0);
		snprintf(name, sizeof name, "records/%05u.ndjson", ++x->part_no);
		int err = export_begin(x, name, true, true, d);
		buf_free(&x->out);
		x->out = kept;
		if (err != 0)
			return err;
	}
	int err = export_put(x, 1, d);
	if (err == 0 && (x->rows >= EXPORT_RECORDS_LINES || x->bytes >= EXPORT_RECORDS_BYTES))
		err = export_end(x, d);
	return err;
}

static int records(struct export *x, struct diag *d)
{
	size_t n;
	const struct export_table *t = export_tables(&n);
	int err;
	while (x->next < n && !t[x->next].type)
		x->next++;
	if (x->next == n) {
		export_set_state(x, SETTINGS);
		return x->open ? export_end(x, d) : 0;
	}
	if (!x->cursor)
		return open_cursor(x, t[x->next].query, d);
	err = table_next(x->cursor, &x->batch, d);
	if (err == 0 && x->batch.n_rows == 0) {
		close_cursor(x);
		x->next++;
		return 0;
	}
	for (size_t i = 0; err == 0 && i < x->batch.n_rows; i++)
		if (export_line(&x->out, &t[x->next], x->cursor, &x->batch, i))
			err = put_line(x, d);
	return err;
}

/* ---- settings, blobs ---- */

static int settings_rows(struct export *x, struct diag *d)
{
	int err = 0;
	for (size_t i = 0; err == 0 && i < x->batch.n_rows; i++) {
		struct json_writer w;
		buf_adds(&x->out, x->rows + i ? ",\n" : "\n");
		json_writer_init(&w, &x->out);
		jw_object(&w);
		jw_key(&w, "class");
		jw_str(&w, x->batch.cols[0].str[i]);
		jw_key(&w, "name");
		jw_str(&w, x->batch.cols[1].str[i]);
		jw_key(&w, "version");
		jw_i64(&w, x->batch.cols[2].i64[i]);
		jw_key(&w, "value");
		err = export_settings(&w, x->batch.cols[3].str[i], d);
		jw_object_end(&w);
	}
	return err != 0 ? err : export_put(x, x->batch.n_rows, d);
}

static int settings(struct export *x, struct diag *d)
{
	int err;
	if (!x->cursor) {
		err = open_cursor(x, SQ_EXPORT_DOCS, d);
		if (err == 0)
			err = export_begin(x, "settings.json", true, true, d);
		buf_addc(&x->out, '[');
		return err != 0 ? err : export_put(x, 0, d);
	}
	err = table_next(x->cursor, &x->batch, d);
	if (err != 0)
		return err;
	if (x->batch.n_rows)
		return settings_rows(x, d);
	close_cursor(x);
	export_set_state(x, BLOBS);
	buf_adds(&x->out, "\n]\n");
	err = export_put(x, 0, d);
	return err != 0 ? err : export_end(x, d);
}

static bool packs(struct span media_type) { return span_starts(media_type, "text/") || span_is(media_type, "application/json"); }

static int begin_blob(struct export *x, struct diag *d)
{
	char name[ZIP_NAME_MAX];
	size_t i = x->row++;
	struct span hex = x->batch.cols[0].str[i], digest = x->batch.cols[5].str[i];
	bool typed = !x->batch.cols[2].null || !x->batch.cols[2].null[i];
	snprintf(name, sizeof name, "blobs/%.*s", (int)hex.n, (const char *)hex.p);
	if (digest.n != 32)
		return export_say(d, MO_ECORRUPT, "blob", name);
	memcpy(x->blob_sha, digest.p, 32);
	x->blob_at = 0;
	struct diag why = {.err = 0};
	int err = store_open_blob(x->reader, x->blob_sha, &x->blob, &x->blob_bytes, &why);
	if (err == MO_ENOENT || err == MO_EIO || err == MO_EDENIED)
		return export_damaged(x, &why, name) != 0 ? export_nomem(d) : 0;
	if (err != 0) {
		if (d)
			*d = why;
		return err;
	}
	return export_begin(x, name, typed && packs(x->batch.cols[2].str[i]), false, d);
}

static int blob_step(struct export *x, struct diag *d)
{
	uint64_t left = x->blob_bytes - x->blob_at;
	size_t n = 0, want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
	int err = want ? vfs_pread(x->blob, x->chunk, want, x->blob_at, &n) : 0;
	struct diag why = {.err = err != 0 ? err : MO_ECORRUPT};
	if (err == 0 && n) {
		buf_add(&x->out, span_of(x->chunk, n));
		x->blob_at += n;
		return export_put(x, 0, d);
	}
	if (err == MO_ENOMEM)
		return export_nomem(d);
	vfs_close(x->blob);
	x->blob = NULL;
	bool is_short = left > 0;
	err = export_end(x, d);
	if (err == 0 && is_short && export_damaged(x, &why, x->name) != 0)
		err = export_nomem(d);
	return err;
}

static int blobs(struct export *x, struct diag *d)
{
	if (x->blob)
		return blob_step(x, d);
	if (!x->cursor)
		return open_cursor(x, SQ_EXPORT_BLOBS, d);
	if (x->row < x->batch.n_rows)
		return begin_blob(x, d);
	int err = table_next(x->cursor, &x->batch, d);
	x->row = 0;
	if (err != 0 || x->batch.n_rows)
		return err;
	close_cursor(x);
	store_reader_close(x->reader);
	x->reader = NULL;
	export_set_state(x, MANIFEST);
	return 0;
}

int export_step(struct export *x, struct diag *d)
{
	int err = 0;
	switch (x->state) {
	case README: err = readme(x, d); break;
	case TABLES: err = tables(x, d); break;
	case SIGNALS: err = signals(x, d); break;
	case VALUES: err = values(x, d); break;
	case RECORDS: err = records(x, d); break;
	case SETTINGS: err = settings(x, d); break;
	case BLOBS: err = blobs(x, d); break;
	case MANIFEST: err = export_manifest(x, d); break;
	case VERIFY: err = export_verify(x, d); break;
	case DONE:
	case STATES: break;
	}
	return err != 0 ? err : x->state == DONE ? 0 : MO_EAGAIN;
}

/* ---- the begin ---- */

static int choose_one(struct export *x, const char *code, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(code))};
	bool any = false;
	int err = store_select(x->reader, &cur, SQ_EXPORT_BELOW, a, 1, d);
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows) {
		any = true;
		for (size_t i = 0; err == 0 && i < b.n_rows; i++) {
			if (map_get(&x->codes, b.cols[1].str[i]))
				continue;
			if (map_put(&x->codes, b.cols[1].str[i], 1) != 0)
				err = export_nomem(d);
			buf_printf(&x->chosen, "%s%lld", x->chosen.n ? "," : "[", (long long)b.cols[0].i64[i]);
		}
	}
	table_close(cur);
	if (err == 0 && !any) {
		err = diag_set(d, MO_ENOENT, MSG_EXPORT_NO_ASSET);
		diag_value(d, span_str(code));
	}
	return err;
}

static int choose(struct export *x, const struct export_options *o, struct diag *d)
{
	int err = 0;
	if (o->n_assets > EXPORT_ASSETS_MAX) {
		err = diag_set(d, MO_ELIMIT, MSG_EXPORT_ASSETS_MANY);
		diag_int(d, 0, EXPORT_ASSETS_MAX);
	}
	struct json_writer w;
	json_writer_init(&w, &x->asked);
	jw_array(&w);
	for (size_t i = 0; err == 0 && i < o->n_assets; i++) {
		jw_cstr(&w, o->assets[i]);
		err = choose_one(x, o->assets[i], d);
	}
	jw_array_end(&w);
	if (err == 0 && x->chosen.n)
		buf_addc(&x->chosen, ']');
	return err == 0 && (x->chosen.err || x->asked.err) ? export_nomem(d) : err;
}

static int make_file(struct export *x, struct diag *d)
{
	struct vfs_stat st;
	bool inside = false;
	int err = x->o.inside ? 0 : folder_is_inside(&inside, x->o.vfs, x->path);
	if (err != 0)
		return export_nomem(d);
	if (inside || vfs_stat(x->o.vfs, x->path, &st) == 0) {
		err = diag_set(d, inside ? MO_EINVAL : MO_EEXIST, inside ? MSG_EXPORT_INSIDE : MSG_EXPORT_EXISTS);
		diag_file(d, x->path);
		return err;
	}
	err = vfs_unlink(x->o.vfs, x->part); /* of one that was killed */
	if (err != 0 && err != MO_ENOENT)
		return export_say(d, err, "unlink", x->part);
	err = vfs_open(x->o.vfs, &x->file, x->part, VFS_WRITE | VFS_CREATE | VFS_EXCL, d);
	x->made = err == 0;
	return err;
}

static int open_sources(struct export *x, struct diag *d)
{
	bool log;
	char *db = folder_path(x->o.folder, "store.db");
	int err = db ? store_reader_open(&x->reader, x->o.vfs, db, d) : export_nomem(d);
	free(db);
	if (err == 0)
		err = store_hold(x->reader, &log, d);
	return err != 0 ? err : sdb_view(&x->view, x->o.sdb, d);
}

static int make_parts(struct export *x, const struct export_options *o, struct diag *d)
{
	struct zip_sink sink = export_sink(x);
	size_t n = strlen(o->path);
	x->path = strdup(o->path);
	x->part = malloc(n + sizeof ".part");
	x->dir = vfs_parent(o->path);
	x->chunk = malloc(CHUNK_BYTES);
	if (x->part)
		snprintf(x->part, n + sizeof ".part", "%s.part", o->path);
	buf_add(&x->readme_ko, o->readme_ko);
	buf_add(&x->readme_en, o->readme_en);
	jw_array(&x->list_w);
	jw_array(&x->damaged_w);
	bool ok = x->path && x->part && x->dir && x->chunk && !x->readme_ko.err && !x->readme_en.err && sha256_new(&x->digest) == 0 && zip_new(&x->zip, &sink) == 0;
	return ok ? 0 : export_nomem(d);
}

int export_new(struct export **ret, const struct export_options *o, struct diag *d)
{
	if (o->from_ns >= o->to_ns)
		return diag_set(d, MO_EINVAL, MSG_EXPORT_RANGE);
	struct export *x = calloc(1, sizeof *x);
	if (!x)
		return export_nomem(d);
	struct buf *const bufs[] = {&x->readme_ko, &x->readme_en, &x->chosen, &x->asked, &x->signal.asset, &x->signal.name, &x->signal.label, &x->signal.unit, &x->signal.source,
		&x->out, &x->list, &x->damaged};
	x->o = *o;
	x->o.assets = NULL;
	x->o.n_assets = 0;
	x->o.readme_ko = x->o.readme_en = span_of(NULL, 0);
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		buf_init(bufs[i], 0);
	map_init(&x->codes);
	json_writer_init(&x->list_w, &x->list);
	json_writer_init(&x->damaged_w, &x->damaged);
	int err = make_parts(x, o, d);
	if (err == 0)
		err = open_sources(x, d);
	if (err == 0)
		err = choose(x, o, d);
	if (err == 0)
		err = make_file(x, d);
	if (err != 0) {
		export_free(x);
		return err;
	}
	*ret = x;
	return 0;
}

void export_report(const struct export *x, struct export_report *ret)
{
	*ret = x->report;
	ret->unreadable = x->findings;
	if (x->state != DONE)
		ret->bytes = zip_bytes(x->zip);
}

void export_free(struct export *x)
{
	if (!x)
		return;
	struct buf *const bufs[] = {&x->readme_ko, &x->readme_en, &x->chosen, &x->asked, &x->signal.asset, &x->signal.name, &x->signal.label, &x->signal.unit, &x->signal.source,
		&x->out, &x->list, &x->damaged};
	close_cursor(x);
	close_values(x);
	vfs_close(x->blob);
	sdb_view_free(x->view);
	store_reader_close(x->reader);
	vfs_close(x->file);
	if (x->made && !x->renamed)
		(void)!vfs_unlink(x->o.vfs, x->part); /* where it fails, the next export of this name does it */
	zip_free(x->zip);
	sha256_free(x->digest);
	map_free(&x->codes);
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		buf_free(bufs[i]);
	free(x->path);
	free(x->part);
	free(x->dir);
	free(x->chunk);
	free(x);
}
