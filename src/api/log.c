/* What the node says about itself: the lines of its log, and the crash that nobody has looked at yet. */
#include "api/priv/api.h"

#include "base/num.h"
#include "node/crashes.h"
#include "node/journal.h"

static void write_arg(struct json_writer *w, const struct diag_arg *a)
{
	switch (a->kind) {
	case DIAG_INT: jw_i64(w, a->i); break;
	case DIAG_REAL: jw_f64(w, a->r); break;
	case DIAG_TEXT: jw_cstr(w, a->text); break;
	case DIAG_NONE: jw_null(w); break;
	}
}

static void write_line(struct json_writer *w, const struct journal_line *l)
{
	jw_object(w);
	jw_key(w, "number");
	jw_u64(w, l->number);
	jw_key(w, "t");
	jw_time(w, l->t_ns);
	jw_key(w, "level");
	jw_cstr(w, journal_level_name(l->level));
	api_problem_members(w, &l->d);
	if (l->d.file[0]) {
		jw_key(w, "file");
		jw_cstr(w, l->d.file);
	}
	jw_key(w, "args");
	jw_array(w);
	for (unsigned i = 0; i < DIAG_ARGS_MAX && l->d.arg[i].kind != DIAG_NONE; i++)
		write_arg(w, &l->d.arg[i]);
	jw_array_end(w);
	jw_object_end(w);
}

int get_log(struct api_call *c)
{
	int64_t limit, before;
	char next[24];
	struct span name = api_param(c, "level");
	enum journal_level least = JOURNAL_INFO;
	int err = api_param_i64(c, "limit", API_PAGE, 1, API_PAGE_MAX, &limit);
	if (err == 0)
		err = api_param_i64(c, "cursor", 0, 0, INT64_MAX, &before);
	if (err != 0)
		return err;
	while (name.n && !span_is(name, journal_level_name(least)) && least < JOURNAL_ERROR)
		least++;
	struct journal_line *lines = arena_alloc(&c->arena, (size_t)limit * sizeof *lines);
	if (!lines)
		return MO_ENOMEM;
	size_t n = journal_read(node_journal(c->node), lines, (size_t)limit, (uint64_t)before, least);
	jw_object(&c->w);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	for (size_t i = 0; i < n; i++)
		write_line(&c->w, &lines[i]);
	jw_array_end(&c->w);
	jw_key(&c->w, "next");
	/* Nothing is older than the first line. */
	if (n == (size_t)limit && lines[n - 1].number > 1)
		jw_str(&c->w, span_of(next, num_format_i64(next, (int64_t)lines[n - 1].number)));
	else
		jw_null(&c->w);
	jw_object_end(&c->w);
	return 0;
}

static void text_or_null(struct json_writer *w, const char *key, const char *text)
{
	jw_key(w, key);
	jw_cstr(w, text[0] ? text : NULL);
}

void api_crash(struct json_writer *w, struct node *n)
{
	const char *file;
	const struct crash_report *r = crashes_shown(node_crashes(n), &file);
	if (!r) {
		jw_null(w);
		return;
	}
	jw_object(w);
	jw_key(w, "t");
	jw_time(w, r->t_ns > 0 ? r->t_ns : T_NONE);
	jw_key(w, "started");
	jw_time(w, r->started_ns > 0 ? r->started_ns : T_NONE);
	text_or_null(w, "version", r->version);
	text_or_null(w, "build", r->build);
	jw_key(w, "signal");
	jw_cstr(w, crash_signal_name(r->signal));
	text_or_null(w, "thread", r->thread);
	jw_key(w, "frames");
	jw_array(w);
	for (unsigned i = 0; i < r->n_frames; i++)
		jw_cstr(w, r->frames[i]);
	jw_array_end(w);
	jw_key(w, "whole");
	jw_bool(w, r->whole);
	jw_key(w, "file");
	jw_cstr(w, file);
	jw_object_end(w);
}

int post_crash_seen(struct api_call *c)
{
	struct crashes *crashes = node_crashes(c->node);
	int err = crashes ? crashes_dismiss(crashes, c->d) : diag_set(c->d, MO_ENOENT, MSG_CRASH_NONE);
	c->status = err == 0 ? 204 : 0;
	return err;
}
