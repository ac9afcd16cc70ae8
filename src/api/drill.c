/* Restore drills by HTTP (node/drills.h): begun here, looked at until they are over. */
#include "api/priv/api.h"
#include "node/drills.h"

/* {"running","age_s","target","every_hours","last"}: of the settings, and the mark of the last one. */
int api_drill_state(struct api_call *c)
{
	struct json_writer *w = &c->w;
	struct settings *set = arena_alloc(&c->arena, sizeof *set);
	struct buf last;
	bool running;
	int64_t last_ns;
	if (!set)
		return MO_ENOMEM;
	node_settings(c->node, set);
	buf_init(&last, 0);
	drills_state(node_drills(c->node), &running, &last_ns, &last);
	jw_object(w);
	jw_key(w, "running");
	jw_bool(w, running);
	/* By the PC's clock, which a demo's pages do not know. */
	jw_key(w, "age_s");
	if (last_ns == T_NONE)
		jw_null(w);
	else
		jw_i64(w, (wall_now() - last_ns) / NS_PER_S);
	jw_key(w, "target");
	jw_cstr(w, set->backup_target[0] ? set->backup_target : NULL);
	jw_key(w, "every_hours");
	jw_i64(w, set->backup_drill_h);
	jw_key(w, "last");
	if (last.n)
		jw_raw(w, buf_span(&last));
	else
		jw_null(w);
	jw_object_end(w);
	int err = last.err;
	buf_free(&last);
	return err;
}

int get_drill(struct api_call *c) { return api_drill_state(c); }

int post_drill(struct api_call *c)
{
	struct accounts_actor by = api_actor(c);
	int err = drills_run(node_drills(c->node), by.who, by.from, c->d);
	if (err == MO_EAGAIN)
		c->status = 409;
	if (err == 0)
		err = api_drill_state(c);
	if (err == 0)
		api_finish(c, 0);
	return err;
}
