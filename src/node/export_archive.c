/* The archive of an export: members one after another, the manifest, and what makes it whole. */
#include <assert.h>
#include <stdio.h>

#include "codec/text.h"
#include "node/priv/export_run.h"

void export_set_state(struct export *x, enum export_state s)
{
	assert(s == x->state + 1 && s < STATES);
	x->state = s;
	x->next = 0;
}

int export_nomem(struct diag *d) { return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

int export_say(struct diag *d, int err, const char *operation, const char *path)
{
	if (err == MO_ENOMEM)
		return export_nomem(d);
	diag_set(d, err, err == MO_EFULL ? MSG_EXPORT_FULL : err == MO_ECORRUPT ? MSG_EXPORT_READ_BACK : MSG_OS_ERROR);
	diag_file(d, path);
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

/* ---- members ---- */

static int on_write(void *arg, struct span bytes, uint64_t at)
{
	struct export *x = arg;
	x->file_err = vfs_pwrite(x->file, bytes.p, bytes.n, at);
	if (x->file_err == 0 && at + bytes.n > x->end)
		x->end = at + bytes.n;
	return x->file_err;
}

struct zip_sink export_sink(struct export *x) { return (struct zip_sink){on_write, x}; }

static int zip_said(struct export *x, int err, struct diag *d)
{
	if (err == 0)
		return 0;
	if (x->file_err != 0)
		return export_say(d, x->file_err, "write", x->path);
	if (err == MO_ELIMIT) {
		diag_set(d, err, MSG_EXPORT_MANY);
		diag_int(d, 0, ZIP_MEMBERS_MAX);
		return err;
	}
	return err == MO_ENOMEM ? export_nomem(d) : export_say(d, err, "zip", x->name);
}

int export_begin(struct export *x, const char *name, bool deflate, bool has_rows, struct diag *d)
{
	snprintf(x->name, sizeof x->name, "%s", name);
	x->bytes = x->rows = 0;
	x->has_rows = has_rows;
	buf_reset(&x->out);
	int err = zip_said(x, zip_begin(x->zip, span_str(x->name), deflate), d);
	x->open = err == 0;
	return err;
}

int export_put(struct export *x, uint64_t rows, struct diag *d)
{
	struct span s = buf_span(&x->out);
	int err = x->out.err ? export_nomem(d) : zip_said(x, zip_write(x->zip, s), d);
	if (err == 0 && sha256_update(x->digest, s) != 0)
		err = export_nomem(d);
	x->bytes += s.n;
	x->rows += rows;
	buf_reset(&x->out);
	return err;
}

static void list_member(struct export *x, const uint8_t sha256[32])
{
	struct json_writer *w = &x->list_w;
	struct buf hex;
	buf_init(&hex, 0);
	hex_encode(&hex, span_of(sha256, 32));
	jw_object(w);
	jw_key(w, "name");
	jw_cstr(w, x->name);
	jw_key(w, "bytes");
	jw_u64(w, x->bytes);
	jw_key(w, "sha256");
	jw_str(w, buf_span(&hex));
	jw_key(w, "rows");
	if (x->has_rows)
		jw_u64(w, x->rows);
	else
		jw_null(w);
	jw_object_end(w);
	if (hex.err)
		x->list.err = hex.err;
	buf_free(&hex);
}

int export_end(struct export *x, struct diag *d)
{
	uint8_t sha256[32];
	int err = zip_said(x, zip_end(x->zip), d);
	if (err == 0 && sha256_final(x->digest, sha256) != 0)
		err = export_nomem(d);
	if (err != 0)
		return err;
	if (x->state != MANIFEST) /* which does not name itself */
		list_member(x, sha256);
	x->open = false;
	x->report.files++;
	return x->list.err ? export_nomem(d) : 0;
}

int export_damaged(struct export *x, const struct diag *why, const char *what)
{
	struct json_writer *w = &x->damaged_w;
	if (x->findings++ >= FINDINGS_MAX)
		return 0;
	jw_object(w);
	jw_key(w, "in");
	jw_cstr(w, what);
	jw_key(w, "file");
	jw_cstr(w, why->file[0] ? why->file : NULL);
	jw_key(w, "error");
	jw_cstr(w, mo_err_name(why->err));
	jw_object_end(w);
	return x->damaged.err;
}

/* ---- the end ---- */

int export_manifest(struct export *x, struct diag *d)
{
	struct json_writer w;
	char id[UUID_TEXT];
	struct span range[2];
	char text[2][32];
	int64_t t[2] = {x->o.from_ns, x->o.to_ns};
	uuid_format(id, &x->o.folder->id);
	jw_array_end(&x->list_w);
	jw_array_end(&x->damaged_w);
	if (x->list.err || x->damaged.err)
		return export_nomem(d);
	int err = export_begin(x, "manifest.json", true, false, d);
	if (err != 0)
		return err;
	json_writer_init(&w, &x->out);
	jw_object(&w);
	jw_key(&w, "format");
	jw_cstr(&w, "moru export");
	jw_key(&w, "version");
	jw_i64(&w, EXPORT_VERSION);
	jw_key(&w, "program");
	jw_cstr(&w, x->o.program);
	jw_key(&w, "node");
	jw_cstr(&w, id);
	for (int i = 0; i < 2; i++) {
		bool open = t[i] == (i == 0 ? INT64_MIN : INT64_MAX);
		range[i] = open ? span_of(NULL, 0) : span_of(text[i], rfc3339_format(text[i], t[i]));
		jw_key(&w, i == 0 ? "from" : "to");
		if (open)
			jw_null(&w);
		else
			jw_str(&w, range[i]);
	}
	jw_key(&w, "assets");
	jw_raw(&w, buf_span(&x->asked));
	jw_key(&w, "values");
	jw_u64(&w, x->report.values);
	jw_key(&w, "unreadable");
	jw_u64(&w, x->findings);
	jw_key(&w, "left_out");
	jw_raw(&w, buf_span(&x->damaged));
	jw_key(&w, "files");
	jw_raw(&w, buf_span(&x->list));
	jw_object_end(&w);
	buf_addc(&x->out, '\n');
	err = export_put(x, 0, d);
	if (err == 0)
		err = export_end(x, d);
	if (err == 0)
		err = zip_said(x, zip_finish(x->zip), d);
	if (err == 0 && (err = vfs_sync(x->file)) != 0)
		export_say(d, err, "sync", x->path);
	if (err == 0)
		export_set_state(x, VERIFY);
	return err;
}

/* What the disk has is what was given: as long, and readable to the end; its digest is the archive's. */
int export_verify(struct export *x, struct diag *d)
{
	size_t n = 0;
	int err = vfs_pread(x->file, x->chunk, CHUNK_BYTES, x->verified, &n);
	if (err == 0 && n) {
		x->verified += n;
		err = sha256_update(x->digest, span_of(x->chunk, n));
		return err != 0 ? export_nomem(d) : 0;
	}
	if (err == 0 && x->verified != x->end)
		err = MO_ECORRUPT;
	if (err == 0)
		err = sha256_final(x->digest, x->report.sha256);
	if (err != 0)
		return export_say(d, err, "read", x->path);
	vfs_close(x->file);
	x->file = NULL;
	err = vfs_rename(x->o.vfs, x->part, x->path);
	if (err == 0) {
		x->renamed = true;
		err = vfs_sync_dir(x->o.vfs, x->dir);
	}
	if (err != 0)
		return export_say(d, err, "rename", x->path);
	x->report.bytes = x->end;
	export_set_state(x, DONE);
	return 0;
}

