/* Missing and late data of each machine that a device document names. */
#include "node/priv/jobs.h"

static void write_case(struct jobs *j, struct machine *m, const char *kind, const struct arrival_finding *f, bool over)
{
	struct jobs_case *c = jobs_add_case(j, m->asset, kind, NULL);
	struct buf b;
	struct json_writer w;
	if (!c)
		return;
	c->begin_ns = f->from_ns;
	c->end_ns = over ? f->to_ns : T_NONE;
	c->over = over;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "source");
	jw_cstr(&w, m->asset);
	jw_key(&w, "from");
	jw_time(&w, f->from_ns);
	jw_key(&w, "to");
	jw_time(&w, f->to_ns);
	jw_key(&w, "arrived_from");
	jw_time(&w, f->arrived_from_ns == INT64_MIN ? T_NONE : f->arrived_from_ns);
	jw_key(&w, "arrived_to");
	jw_time(&w, f->arrived_to_ns == INT64_MIN ? T_NONE : f->arrived_to_ns);
	jw_key(&w, "late");
	jw_u64(&w, f->late);
	jw_object_end(&w);
	jobs_evidence(j, c, &b);
}

void jobs_arrival_run(struct jobs *j, struct machine *m)
{
	struct arrival_finding f;
	enum arrival_verdict v;
	if (!m->has_info)
		return;
	if (m->heard) /* the past that a file brings was not awaited */
		v = arrival_feed(&m->arrival, m->live.t_min, m->live.t_max, m->live.n, m->live.arrival_max, &f);
	else
		v = arrival_tick(&m->arrival, j->now_ns, &f);
	switch (v) {
	case ARRIVAL_NOTHING: break;
	case ARRIVAL_MISSING:
		m->missing_open = true;
		write_case(j, m, "missing_data", &f, false);
		break;
	case ARRIVAL_LATE: write_case(j, m, "late_data", &f, false); break;
	case ARRIVAL_COMPLETE:
		write_case(j, m, "late_data", &f, true);
		if (m->missing_open)
			write_case(j, m, "missing_data", &f, true);
		m->missing_open = false;
		break;
	case ARRIVAL_RESUMED:
		write_case(j, m, "missing_data", &f, true);
		m->missing_open = false;
		break;
	}
}
