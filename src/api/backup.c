/* POST /api/v1/backup, which `moru backup` asks when the folder is served. A
 * run is the node's (node/backups.h); who no longer waits for the answer gives
 * it up. By the folder's own socket anything may be asked; by TCP, where others
 * of this machine reach us too, only what the settings say, as a target is a
 * path that the node writes to. */
#include "api/backup.h"

#include "api/priv/api.h"
#include "node/backups.h"

void api_words_json(struct buf *out, const struct diag *d)
{
	struct json_writer w;
	json_writer_init(&w, out);
	api_words(&w, d);
}

static bool is_over(void *arg) { return atomic_load(&((struct api_call *)arg)->dead); }

static void done(void *arg, int err, const struct backup_report *r, const struct diag *d)
{
	struct api_call *c = arg;
	struct json_writer *w = &c->w;
	if (err != 0) {
		*c->d = *d;
		api_finish(c, err);
		return;
	}
	jw_object(w);
	jw_key(w, "snapshot");
	jw_cstr(w, r->id);
	jw_key(w, "files");
	jw_u64(w, r->files);
	jw_key(w, "bytes");
	jw_u64(w, r->bytes);
	jw_key(w, "pieces");
	jw_u64(w, r->pieces);
	jw_key(w, "written");
	jw_u64(w, r->written);
	jw_object_end(w);
	api_finish(c, 0);
}

/* {"target","every_hours","running","files","bytes","age_s","good","last","drill"} of Today; null without a target and without a backup ever made. */
int api_backup_state(struct api_call *c)
{
	struct json_writer *w = &c->w;
	struct backups_state s;
	struct settings *set = arena_alloc(&c->arena, sizeof *set);
	if (!set)
		return MO_ENOMEM;
	node_settings(c->node, set);
	backups_state(node_backups(c->node), &s);
	int err = s.last.err ? s.last.err : s.good.err;
	if (err == 0 && !set->backup_target[0] && !s.last.n) {
		jw_null(w);
	} else if (err == 0) {
		jw_object(w);
		jw_key(w, "target");
		jw_cstr(w, set->backup_target[0] ? set->backup_target : NULL);
		jw_key(w, "every_hours");
		jw_i64(w, set->backup_every_h);
		jw_key(w, "running");
		jw_bool(w, s.running);
		jw_key(w, "files");
		jw_u64(w, s.files);
		jw_key(w, "bytes");
		jw_u64(w, s.bytes);
		/* By the PC's clock, which a demo's pages do not know. */
		jw_key(w, "age_s");
		if (s.good_ns == T_NONE)
			jw_null(w);
		else
			jw_i64(w, (wall_now() - s.good_ns) / NS_PER_S);
		jw_key(w, "good");
		if (s.good.n)
			jw_raw(w, buf_span(&s.good));
		else
			jw_null(w);
		jw_key(w, "last");
		if (s.last.n)
			jw_raw(w, buf_span(&s.last));
		else
			jw_null(w);
		jw_key(w, "drill");
		err = api_drill_state(c);
		jw_object_end(w);
	}
	backups_state_free(&s);
	return err;
}

int post_backup(struct api_call *c)
{
	struct settings *s = arena_alloc(&c->arena, sizeof *s);
	struct span target = api_param(c, "target"), keys = api_param(c, "keys");
	int64_t keep;
	if (!s)
		return MO_ENOMEM;
	node_settings(c->node, s);
	bool by_socket = http_from_unix(c->pass.x), secrets = span_is(keys, "1");
	int err = api_param_i64(c, "keep", target.p ? 0 : s->backup_keep, 0, 10000, &keep);
	if (err != 0)
		return err;
	if (!by_socket && (secrets || (target.p && !span_is(target, s->backup_target))))
		return diag_set(c->d, MO_EDENIED, MSG_BACKUP_BY_SOCKET);
	if (!target.p && !s->backup_target[0])
		return api_missing(c, "target");
	struct backups_ask ask = {.target = target.p ? target : span_str(s->backup_target), .who = gate_who(&c->pass), .make = by_socket && target.p,
		.keys = secrets, .keep = (size_t)keep, .stop = is_over, .done = done, .arg = c};
	return backups_run(node_backups(c->node), &ask, c->d);
}
