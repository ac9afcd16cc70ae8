#include "intake/priv/timeread.h"

#include "intake/priv/number.h"

void timeread_init(struct timeread *c, const struct timeform *f, const struct zone *z)
{
	*c = (struct timeread){.form = f, .zone = z};
	c->plain_clock = f && (f->clock == CLOCK_HM || f->clock == CLOCK_HMS || f->clock == CLOCK_HMSZ);
}

static int resolve(struct timeread *c, int64_t *ret, const struct time_parts *p)
{
	if (p->absolute)
		return time_parts_to_ns(ret, p, NULL);
	if (!c->day_known || c->days != p->days) {
		struct time_parts from = {.days = p->days}, to = {.days = p->days + 1};
		int64_t end;
		c->day_known = false;
		int e = time_parts_to_ns(&c->base_ns, &from, c->zone);
		c->day_even = e == 0 && time_parts_to_ns(&end, &to, c->zone) == 0 && end - c->base_ns == NS_PER_DAY;
		c->days = p->days;
		c->day_known = true;
	}
	if (c->day_even) {
		*ret = c->base_ns + p->clock_ns;
		return 0;
	}
	return time_parts_to_ns(ret, p, c->zone);
}

int timeread_slow(struct timeread *c, int64_t *ret, struct span cell)
{
	struct time_parts p;
	cell = cell_trim(cell);
	if (!timeform_parse(&p, c->form, cell))
		return MO_EINVAL;
	int e = resolve(c, ret, &p);
	if (e)
		return e;
	c->cell_n = c->date_n = 0;
	if (cell.n <= sizeof(c->cell)) {
		memcpy(c->cell, cell.p, cell.n);
		c->cell_n = cell.n;
		c->cell_ns = *ret;
		/* A clock that is added to base must be local, and a blank right behind it must end the date. */
		if (c->plain_clock && !p.absolute && c->day_even && p.date_bytes < cell.n && cell.p[p.date_bytes] == ' ')
			c->date_n = p.date_bytes;
	}
	return 0;
}

int timeread_pair(struct timeread *c, int64_t *ret, struct span date, struct span clock)
{
	struct time_parts p, t;
	int64_t ns;
	if (date.n == c->cell_n && c->cell_n && c->day_even && memcmp(date.p, c->cell, date.n) == 0 && c->plain_clock && clock_fast(&ns, clock.p, clock.n)) {
		*ret = c->base_ns + ns;
		return 0;
	}
	date = cell_trim(date);
	if (!timeform_parse_date(&p, c->form, date) || !timeform_parse_clock(&t, c->form, cell_trim(clock)))
		return MO_EINVAL;
	p.clock_ns = t.clock_ns;
	p.absolute = p.absolute || t.absolute;
	int e = resolve(c, ret, &p);
	c->cell_n = 0;
	if (e == 0 && !p.absolute && date.n <= sizeof(c->cell)) {
		memcpy(c->cell, date.p, date.n);
		c->cell_n = date.n;
	}
	return e;
}
