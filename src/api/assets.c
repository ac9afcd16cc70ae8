/* Today, assets, machine states and stops. */
#include "api/priv/api.h"

#include "insight/states.h"

#define STATES_MAX 20000u
#define TODAY_ASSETS_MAX 200u
#define TODAY_CASES 10       /* shown */
#define OPEN_CASES_MAX 10000 /* counted */
#define SIGNALS_MAX 10000    /* of one asset, counted */
#define REJOIN_NS (20 * NS_PER_S)
#define STATE_FRESH_NS (900 * NS_PER_S) /* the last state is written on at least this often */

/* Begin of the production day that t lies in. */
static int64_t day_begin(struct node *n, const struct settings *s, int64_t t)
{
	struct civil c;
	int64_t begin;
	int kind;
	zone_local(&c, node_zone(n), t);
	int minutes = (s->day_begins[0] - '0') * 600 + (s->day_begins[1] - '0') * 60 + (s->day_begins[3] - '0') * 10 + (s->day_begins[4] - '0');
	bool before = c.hour * 60 + c.minute < minutes;
	c.hour = (uint8_t)(minutes / 60);
	c.minute = (uint8_t)(minutes % 60);
	c.second = 0;
	c.ns = 0;
	if (zone_to_ns(&begin, &kind, node_zone(n), &c) != 0)
		return t - NS_PER_DAY;
	return before ? begin - NS_PER_DAY : begin;
}

struct states {
	struct istate_interval *in;
	size_t n;
	char (*asset)[128];
};

static enum istate state_by_name(struct span s)
{
	for (int k = 0; k < MSTATES; k++)
		if (span_is(s, machine_state_name((enum machine_state)k)))
			return (enum istate)k;
	return ISTATE_NO_DATA;
}

/* All intervals of one asset (or all) in [from, to), clipped; the last of each goes on to `to` while it is fresh. */
static int read_states(struct api_call *c, struct span asset, int64_t from, int64_t to, struct states *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {asset.n ? sarg_s(asset) : sarg_null(), sarg_i(from), sarg_i(to)};
	int64_t now = clock_now(node_clock(c->node));
	int err = store_select(c->reader, &cur, SQ_STATES, a, 3, c->d);
	if (err != 0)
		return err;
	ret->n = 0;
	ret->in = arena_alloc(&c->arena, STATES_MAX * sizeof *ret->in);
	ret->asset = arena_alloc(&c->arena, STATES_MAX * sizeof *ret->asset);
	if (!ret->in || !ret->asset)
		err = MO_ENOMEM;
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++) {
			if (ret->n == STATES_MAX) {
				err = diag_set(c->d, MO_ELIMIT, MSG_API_ANSWER_LARGE);
				break;
			}
			struct istate_interval *s = &ret->in[ret->n];
			s->from_ns = b.cols[1].i64[i] > from ? b.cols[1].i64[i] : from;
			s->to_ns = b.cols[2].i64[i] < to ? b.cols[2].i64[i] : to;
			s->state = state_by_name(b.cols[3].str[i]);
			s->alarm = (int)b.cols[4].i64[i];
			diag_copy(ret->asset[ret->n++], sizeof *ret->asset, b.cols[0].str[i]);
		}
	table_close(cur);
	for (size_t i = 0; err == 0 && i < ret->n; i++) {
		bool last = i + 1 == ret->n || strcmp(ret->asset[i], ret->asset[i + 1]) != 0;
		int64_t end = now < to ? now : to;
		if (last && ret->in[i].to_ns < end && end - ret->in[i].to_ns < STATE_FRESH_NS)
			ret->in[i].to_ns = end;
	}
	return err;
}

static void write_state(struct json_writer *w, const struct istate_interval *s)
{
	jw_object(w);
	jw_key(w, "from");
	jw_time(w, s->from_ns);
	jw_key(w, "to");
	jw_time(w, s->to_ns);
	jw_key(w, "state");
	jw_cstr(w, machine_state_name((enum machine_state)s->state));
	jw_key(w, "alarm");
	jw_i64(w, s->alarm);
	jw_object_end(w);
}

static int range(struct api_call *c, int64_t *from, int64_t *to)
{
	int64_t now = clock_now(node_clock(c->node));
	int err = api_param_time(c, "to", now, to);
	return err ? err : api_param_time(c, "from", *to > INT64_MIN + NS_PER_DAY ? *to - NS_PER_DAY : INT64_MIN, from);
}

/* MO_ENOENT where nobody knows the asset: no states is something else. */
static int known(struct api_call *c)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(api_param(c, "code"))};
	int err = store_select(c->reader, &cur, SQ_ASSET, a, 1, c->d);
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows == 0) {
		err = diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
		diag_value(c->d, api_param(c, "code"));
	}
	table_close(cur);
	return err;
}

int get_asset_states(struct api_call *c)
{
	int64_t from, to;
	struct states s;
	int err = range(c, &from, &to);
	if (err == 0)
		err = known(c);
	if (err == 0)
		err = read_states(c, api_param(c, "code"), from, to, &s);
	if (err != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	for (size_t i = 0; i < s.n; i++)
		write_state(&c->w, &s.in[i]);
	jw_array_end(&c->w);
	jw_object_end(&c->w);
	return 0;
}

int get_asset_stops(struct api_call *c)
{
	int64_t from, to;
	struct states s;
	struct settings *set = arena_alloc(&c->arena, sizeof *set);
	if (!set)
		return MO_ENOMEM;
	node_settings(c->node, set);
	int err = range(c, &from, &to);
	if (err == 0)
		err = known(c);
	if (err == 0)
		err = read_states(c, api_param(c, "code"), from, to, &s);
	if (err != 0)
		return err;
	size_t n = 0;
	struct istop *stops = arena_alloc(&c->arena, (s.n + 1) * sizeof *stops);
	struct istop_rules rules = {.min_ns = set->stop_min_s * NS_PER_S, .rejoin_ns = REJOIN_NS};
	if (!stops)
		return MO_ENOMEM;
	err = istops(stops, s.n + 1, &n, s.in, s.n, &rules);
	jw_object(&c->w);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	for (size_t i = 0; i < n && err == 0; i++) {
		jw_object(&c->w);
		jw_key(&c->w, "from");
		jw_time(&c->w, stops[i].from_ns);
		jw_key(&c->w, "to");
		jw_time(&c->w, stops[i].to_ns == INT64_MAX ? T_NONE : stops[i].to_ns);
		jw_key(&c->w, "kind");
		jw_cstr(&c->w, stop_kind_name(stops[i].kind));
		jw_key(&c->w, "alarm");
		jw_i64(&c->w, stops[i].alarm);
		jw_object_end(&c->w);
	}
	jw_array_end(&c->w);
	jw_object_end(&c->w);
	return err;
}

static int count_signals(struct api_call *c, struct span code, int64_t *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(code), sarg_null(), sarg_i(SIGNALS_MAX)};
	int err = store_select(c->reader, &cur, SQ_SIGNALS, a, 3, c->d);
	*ret = 0;
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		*ret += (int64_t)b.n_rows;
	table_close(cur);
	return err;
}

int get_asset(struct api_call *c)
{
	int64_t signals = 0;
	struct states s;
	int64_t now = clock_now(node_clock(c->node));
	struct span code = api_param(c, "code");
	struct store_arg a[] = {sarg_s(code)};
	jw_object(&c->w);
	int err = api_row(c, SQ_ASSET, a, 1);
	if (err == 0)
		err = read_states(c, code, now - NS_PER_DAY, now + 1, &s);
	if (err == 0)
		err = count_signals(c, code, &signals);
	if (err != 0)
		return err;
	const struct istate_interval *last = s.n ? &s.in[s.n - 1] : NULL;
	jw_key(&c->w, "signals");
	jw_i64(&c->w, signals);
	jw_key(&c->w, "state");
	jw_cstr(&c->w, last ? machine_state_name((enum machine_state)last->state) : NULL);
	jw_key(&c->w, "since");
	jw_time(&c->w, last ? last->from_ns : T_NONE);
	jw_key(&c->w, "stale");
	jw_bool(&c->w, collect_stale(node_collect(c->node), code));
	jw_object_end(&c->w);
	return 0;
}

/* ---- today ---- */
static int write_machines(struct api_call *c, const struct states *s)
{
	struct json_writer *w = &c->w;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(SPAN_LIT("machine")), sarg_null(), sarg_i(TODAY_ASSETS_MAX)};
	int err = store_select(c->reader, &cur, SQ_ASSETS, a, 3, c->d);
	if (err != 0)
		return err;
	size_t at_code = api_column(cur, "code"), at_name = api_column(cur, "name");
	jw_array(w);
	while ((err = table_next(cur, &b, c->d)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows; i++) {
			struct span code = b.cols[at_code].str[i];
			size_t first = 0;
			while (first < s->n && !span_is(code, s->asset[first]))
				first++;
			size_t end = first;
			int64_t ran = 0, all = 0;
			for (; end < s->n && span_is(code, s->asset[end]); end++) {
				const struct istate_interval *k = &s->in[end];
				if (k->state == ISTATE_RUNNING)
					ran += k->to_ns - k->from_ns;
				if (k->state != ISTATE_NO_DATA && k->state != ISTATE_PLANNED)
					all += k->to_ns - k->from_ns;
			}
			const struct istate_interval *last = end > first ? &s->in[end - 1] : NULL;
			jw_object(w);
			jw_key(w, "asset");
			jw_str(w, code);
			jw_key(w, "name");
			jw_str(w, b.cols[at_name].str[i]);
			jw_key(w, "state");
			jw_cstr(w, last ? machine_state_name((enum machine_state)last->state) : "no_data");
			jw_key(w, "since");
			jw_time(w, last ? last->from_ns : T_NONE);
			jw_key(w, "alarm");
			jw_i64(w, last ? last->alarm : 0);
			jw_key(w, "running_share");
			if (all)
				jw_f64(w, (double)ran / (double)all);
			else
				jw_null(w);
			jw_key(w, "stale");
			jw_bool(w, collect_stale(node_collect(c->node), code));
			jw_key(w, "states");
			jw_array(w);
			for (size_t k = first; k < end; k++)
				write_state(w, &s->in[k]);
			jw_array_end(w);
			jw_object_end(w);
		}
	}
	jw_array_end(w);
	table_close(cur);
	return err;
}

static int write_cases(struct api_call *c)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg open[] = {sarg_s(SPAN_LIT("open")), sarg_null(), sarg_null(), sarg_i(OPEN_CASES_MAX)};
	int64_t n = 0;
	int err = store_select(c->reader, &cur, SQ_CASES, open, 4, c->d);
	jw_key(&c->w, "cases");
	jw_array(&c->w);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			if (n++ >= TODAY_CASES)
				continue;
			jw_object(&c->w);
			err = api_members(c, cur, &b, i);
			jw_object_end(&c->w);
		}
	jw_array_end(&c->w);
	jw_key(&c->w, "cases_open");
	jw_i64(&c->w, n);
	table_close(cur);
	return err;
}

int get_today(struct api_call *c)
{
	struct json_writer *w = &c->w;
	struct settings *set = arena_alloc(&c->arena, sizeof *set);
	if (!set)
		return MO_ENOMEM;
	node_settings(c->node, set);
	int64_t now = clock_now(node_clock(c->node)), from = day_begin(c->node, set, now);
	struct states s;
	int err = read_states(c, span_of(NULL, 0), from, now + 1, &s);
	if (err != 0)
		return err;
	jw_object(w);
	jw_key(w, "from");
	jw_time(w, from);
	jw_key(w, "to");
	jw_time(w, now);
	jw_key(w, "machines");
	err = write_machines(c, &s);
	if (err == 0)
		err = write_cases(c);
	if (err == 0) {
		jw_key(w, "disk");
		api_disk_state(w, c->node);
		jw_key(w, "backup");
		err = api_backup_state(c);
	}
	if (err == 0) {
		struct table_cursor *cur = NULL;
		struct table_batch b;
		err = store_select(c->reader, &cur, SQ_COUNTS, NULL, 0, c->d);
		jw_key(w, "counts");
		jw_object(w);
		while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
			for (size_t i = 0; i < b.n_rows; i++) {
				jw_key_span(w, b.cols[0].str[i]);
				jw_i64(w, b.cols[1].i64[i]);
			}
		jw_object_end(w);
		table_close(cur);
	}
	jw_object_end(w);
	return err;
}
