/* The node's clock.
 *
 *   REAL                      (clock_new_real; for ever)
 *   STEPPED --clock_run--> SCALED --clock_run--> SCALED (other scale)
 *      ^------clock_halt------'
 *
 * One mutex: readings of all threads are in one order, so that none goes back. */
#include "os/clock.h"

#include <errno.h>
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "os/priv/clock.h"

#define SCALE_MIN 1.0
#define SCALE_MAX 120.0

struct clock {
	pthread_mutex_t mutex;
	struct clock_source src;
	enum clock_mode mode;
	double scale;
	int64_t last;             /* the latest reading given out */
	int64_t wall_last;        /* REAL: the system's clock at the last reading */
	int64_t mono_last;        /* REAL: monotonic at the last reading */
	int64_t backwards;        /* REAL */
	int64_t base, base_mono;  /* SCALED: node time at a monotonic time */
};

static const char *const mode_name[] = {"real", "scaled", "stepped"};

static void set_state(struct clock *c, enum clock_mode to)
{
	static const bool allowed[3][3] = {
		[CLOCK_STEPPED] = {[CLOCK_SCALED] = true},
		[CLOCK_SCALED] = {[CLOCK_SCALED] = true, [CLOCK_STEPPED] = true},
	};
	assert(allowed[c->mode][to] && mode_name[to]);
	c->mode = to;
}

static int64_t read_clock(clockid_t id)
{
	struct timespec t;
	/* These clocks always exist on Linux. */
	if (clock_gettime(id, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void mono_sleep(int64_t duration_ns)
{
	if (duration_ns <= 0)
		return;
	struct timespec t = {.tv_sec = (time_t)(duration_ns / NS_PER_S), .tv_nsec = (long)(duration_ns % NS_PER_S)};
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR) {
	}
}

int64_t mono_now(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t wall_now(void) { return read_clock(CLOCK_REALTIME); }
int64_t cpu_now(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

static int64_t system_wall(void *arg)
{
	(void)arg;
	return wall_now();
}

static int64_t system_mono(void *arg)
{
	(void)arg;
	return mono_now();
}

static int64_t add_saturated(int64_t a, int64_t b)
{
	int64_t s;
	return __builtin_add_overflow(a, b, &s) ? (b > 0 ? INT64_MAX : INT64_MIN) : s;
}

/* x >= 0 as ns, at most INT64_MAX. */
static int64_t to_ns(double x) { return x < 9.2e18 ? (int64_t)x : INT64_MAX; }

static int new_clock(struct clock **ret, enum clock_mode mode, struct clock_source src, int64_t start_ns)
{
	struct clock *c = calloc(1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	if (pthread_mutex_init(&c->mutex, NULL) != 0) {
		free(c);
		return MO_ENOMEM;
	}
	c->src = src;
	c->mode = mode;
	c->scale = mode == CLOCK_REAL ? 1.0 : 0.0;
	c->last = start_ns;
	c->wall_last = start_ns;
	c->mono_last = src.mono(src.arg);
	*ret = c;
	return 0;
}

int clock_new_over(struct clock **ret, struct clock_source src) { return new_clock(ret, CLOCK_REAL, src, src.wall(src.arg)); }

int clock_new_stepped_over(struct clock **ret, int64_t start_ns, struct clock_source src)
{
	return new_clock(ret, CLOCK_STEPPED, src, start_ns);
}

static const struct clock_source system_source = {system_wall, system_mono, NULL};

int clock_new_real(struct clock **ret) { return clock_new_over(ret, system_source); }
int clock_new_stepped(struct clock **ret, int64_t start_ns) { return clock_new_stepped_over(ret, start_ns, system_source); }

void clock_free(struct clock *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

/* Where an elapsed time leads at 15/16 of its pace. */
static int64_t slower(int64_t t, int64_t elapsed) { return add_saturated(t, elapsed - elapsed / 16); }

static int64_t now_locked(struct clock *c)
{
	int64_t t = c->last;
	switch (c->mode) {
	case CLOCK_REAL:
		t = c->src.wall(c->src.arg);
		if (t < c->wall_last)
			c->backwards = add_saturated(c->backwards, c->wall_last - t);
		c->wall_last = t;
		/* Never stands still for long, or nothing would be polled until the system's clock caught up. */
		int64_t mono = c->src.mono(c->src.arg), least = slower(c->last, mono - c->mono_last);
		c->mono_last = mono;
		if (t < least)
			t = least;
		break;
	case CLOCK_SCALED:
		t = add_saturated(c->base, to_ns((double)(c->src.mono(c->src.arg) - c->base_mono) * c->scale));
		break;
	case CLOCK_STEPPED:
		break;
	}
	if (t > c->last)
		c->last = t;
	return c->last;
}

int64_t clock_now(struct clock *c)
{
	pthread_mutex_lock(&c->mutex);
	int64_t t = now_locked(c);
	pthread_mutex_unlock(&c->mutex);
	return t;
}

enum clock_mode clock_mode(struct clock *c)
{
	pthread_mutex_lock(&c->mutex);
	enum clock_mode m = c->mode;
	pthread_mutex_unlock(&c->mutex);
	return m;
}

double clock_scale(struct clock *c)
{
	pthread_mutex_lock(&c->mutex);
	double s = c->scale;
	pthread_mutex_unlock(&c->mutex);
	return s;
}

int clock_advance(struct clock *c, int64_t to)
{
	pthread_mutex_lock(&c->mutex);
	int r = c->mode != CLOCK_STEPPED ? MO_ESTATE : to < c->last ? MO_EINVAL : 0;
	if (!r)
		c->last = to;
	pthread_mutex_unlock(&c->mutex);
	return r;
}

int clock_run(struct clock *c, double scale)
{
	if (!(scale >= SCALE_MIN && scale <= SCALE_MAX))
		return MO_EINVAL;
	pthread_mutex_lock(&c->mutex);
	int r = c->mode == CLOCK_REAL ? MO_ESTATE : 0;
	if (!r) {
		c->base = now_locked(c);
		c->base_mono = c->src.mono(c->src.arg);
		c->scale = scale;
		set_state(c, CLOCK_SCALED);
	}
	pthread_mutex_unlock(&c->mutex);
	return r;
}

int clock_halt(struct clock *c)
{
	pthread_mutex_lock(&c->mutex);
	int r = c->mode == CLOCK_REAL ? MO_ESTATE : 0;
	if (c->mode == CLOCK_SCALED) {
		(void)now_locked(c); /* where it stands from now on */
		c->scale = 0;
		set_state(c, CLOCK_STEPPED);
	}
	pthread_mutex_unlock(&c->mutex);
	return r;
}

int64_t clock_until(struct clock *c, int64_t t)
{
	pthread_mutex_lock(&c->mutex);
	int64_t now = now_locked(c), left = 0;
	if (t > now) {
		if (__builtin_sub_overflow(t, now, &left))
			left = INT64_MAX;
		if (c->mode == CLOCK_STEPPED)
			left = INT64_MAX;
		else if (c->mode == CLOCK_SCALED)
			left = to_ns(ceil((double)left / c->scale));
	}
	pthread_mutex_unlock(&c->mutex);
	return left;
}

int64_t clock_ahead(struct clock *c)
{
	pthread_mutex_lock(&c->mutex);
	int64_t t = now_locked(c), ahead = c->mode == CLOCK_REAL ? t - c->wall_last : 0;
	pthread_mutex_unlock(&c->mutex);
	return ahead > 0 ? ahead : 0;
}

int64_t clock_backwards(struct clock *c)
{
	pthread_mutex_lock(&c->mutex);
	int64_t b = c->backwards;
	pthread_mutex_unlock(&c->mutex);
	return b;
}
