#include "node/logins.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/helper.h"
#include "node/limiter.h"
#include "os/crypto.h"

/* Of no password: for names that do not exist. */
static const char nobody[] = "$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct logins {
	struct node *node;
	struct accounts *accounts;
	/* loop thread */
	struct login *clean;          /* newest first: whoever comes in a flood does not stand behind it */
	struct login *others, **last; /* in order */
	unsigned n_clean, n_others;
	bool running;
	/* the worker under way */
	int64_t said_ns;   /* monotonic: failures were put into the audit trail */
	uint64_t unsaid;   /* failures since */
	pthread_mutex_t mu; /* below */
	struct limiter by_account, by_address;
	struct limiter passes; /* by account: past its wait */
};

int logins_new(struct logins **ret, struct node *n, struct accounts *a)
{
	struct logins *q = calloc(1, sizeof *q);
	if (!q)
		return MO_ENOMEM;
	q->node = n;
	q->accounts = a;
	q->last = &q->others;
	pthread_mutex_init(&q->mu, NULL);
	*ret = q;
	return 0;
}

void logins_free(struct logins *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->mu);
	free(q);
}

/* Whether it may be tried now: then it counts. *ret_passed: though the account waits; NULL: it may not. */
static int begin_try(struct logins *q, struct span name, struct span from, bool *ret_passed, int64_t *ret_wait_ns)
{
	int64_t now = mono_now();
	uint64_t account = span_hash(name), address = span_hash(from);
	pthread_mutex_lock(&q->mu);
	int64_t a = limiter_wait(&q->by_account, account, now), b = limiter_wait(&q->by_address, address, now);
	bool pass = ret_passed && a && !limiter_failures(&q->by_address, address, now) && !limiter_wait(&q->passes, account, now);
	if (pass) {
		a = 0;
		limiter_try(&q->passes, account, LOGINS_PASSES_OF_ACCOUNT, now);
	}
	if (a == 0 && b == 0) {
		/* Past the wait it does not make that longer: nobody has to pay for others' tries. */
		if (!pass)
			limiter_try(&q->by_account, account, LOGINS_FREE_OF_ACCOUNT, now);
		limiter_try(&q->by_address, address, LOGINS_FREE_OF_ADDRESS, now);
	}
	pthread_mutex_unlock(&q->mu);
	if (ret_passed)
		*ret_passed = pass;
	*ret_wait_ns = a > b ? a : b;
	return *ret_wait_ns ? MO_EAGAIN : 0;
}

static void end_try(struct logins *q, struct span name, struct span from, bool passed, int err)
{
	uint64_t account = span_hash(name), address = span_hash(from);
	if (err == MO_EDENIED)
		return; /* it stays counted */
	pthread_mutex_lock(&q->mu);
	if (err == 0 || !passed)
		(err == 0 ? limiter_ok : limiter_undo)(&q->by_account, account);
	if (err == 0 || passed)
		(err == 0 ? limiter_ok : limiter_undo)(&q->passes, account);
	(err == 0 ? limiter_ok : limiter_undo)(&q->by_address, address);
	pthread_mutex_unlock(&q->mu);
}

int logins_try(struct logins *q, struct span name, struct span from, int64_t *ret_wait_ns)
{
	return begin_try(q, name, from, NULL, ret_wait_ns);
}

void logins_tried(struct logins *q, struct span name, struct span from, int err) { end_try(q, name, from, false, err); }

/* ---- on the worker ---- */

struct failed_job {
	struct sjob job;
	int64_t now_ns;
	uint64_t times;
	char name[ACCOUNT_NAME_MAX + 1], from[LOGIN_FROM_MAX];
};

static int failed_run(struct sjob *j, struct store *s, struct diag *d)
{
	const struct failed_job *q = (struct failed_job *)j;
	struct buf detail;
	char more[48];
	buf_init(&detail, 0);
	snprintf(more, sizeof more, ",\"times\":%llu", (unsigned long long)q->times);
	accounts_detail(&detail, span_str(q->from), more);
	int err = detail.err ? diag_set(d, detail.err, MSG_OUT_OF_MEMORY)
			     : store_audit(s, q->now_ns, SPAN_LIT("nobody"), SPAN_LIT("login.failed"), span_str(q->name), buf_span(&detail), d);
	buf_free(&detail);
	return err;
}

static void failed_done(struct sjob *j, int err, const struct diag *d)
{
	(void)err;
	(void)d;
	free(j);
}

/* Each failure is counted; the entry names the last of them, where that is an account: what is none may be a password in the wrong field. */
static void say_failed(struct logins *q, const struct login *l, bool there)
{
	int64_t now = mono_now();
	q->unsaid++;
	if (q->said_ns && now - q->said_ns < LOGINS_FAILED_SAID_NS)
		return;
	struct failed_job *j = calloc(1, sizeof *j);
	if (!j)
		return;
	j->job.run = failed_run;
	j->job.done = failed_done;
	j->now_ns = clock_now(node_clock(q->node));
	j->times = q->unsaid;
	if (there)
		memcpy(j->name, l->name, sizeof j->name);
	memcpy(j->from, l->from, sizeof j->from);
	if (storer_submit(node_storer(q->node), &j->job) != 0) {
		free(j);
		return;
	}
	q->said_ns = now;
	q->unsaid = 0;
}

struct stored {
	int64_t id; /* 0: there is no such account, or it is disabled */
	bool there;
	size_t hash_n;
	char hash[ACCOUNT_HASH_MAX];
};

/* Of a name that does not exist: the hash of nobody. */
static int read_account(struct stored *ret, struct store_reader *r, struct span name, struct diag *d)
{
	struct table_cursor *c = NULL;
	struct table_batch b = {0};
	const struct store_arg args[] = {sarg_s(name)};
	*ret = (struct stored){.hash_n = sizeof nobody - 1};
	memcpy(ret->hash, nobody, sizeof nobody - 1);
	int err = store_select(r, &c, SQ_ACCOUNT, args, 1, d);
	if (err == 0)
		err = table_next(c, &b, d);
	if (err == 0 && b.n_rows && b.cols[2].str[0].n <= sizeof ret->hash) {
		ret->hash_n = b.cols[2].str[0].n;
		memcpy(ret->hash, b.cols[2].str[0].p, ret->hash_n);
		ret->there = true;
		if (b.cols[3].null && b.cols[3].null[0])
			ret->id = b.cols[0].i64[0];
	}
	table_close(c);
	return err;
}

static int check(struct logins *q, struct login *l, struct store_reader *r)
{
	struct stored s;
	bool right = false;
	const struct accounts_actor by = {span_str(l->name), span_str(l->from)};
	int err = read_account(&s, r, span_str(l->name), &l->d);
	if (err == 0)
		err = helper_verify(node_helper(q->node), &right, span_of(s.hash, s.hash_n), span_of(l->password, l->password_n), LOGINS_VERIFY_NS, &l->d);
	if (err == 0 && (!right || s.id == 0))
		err = MO_EDENIED;
	if (err == 0)
		err = accounts_login(q->accounts, s.id, span_of(s.hash, s.hash_n), &by, l->secret, &l->known, &l->d);
	if (err == MO_EDENIED)
		say_failed(q, l, s.there);
	crypto_wipe(&s, sizeof s);
	return err;
}

static void next(struct logins *q);

static void landed(void *arg)
{
	struct login *l = arg;
	struct logins *q = l->of;
	crypto_wipe(l->password, sizeof l->password);
	end_try(q, span_str(l->name), span_str(l->from), l->passed, l->err);
	q->running = false;
	l->done(l, l->err);
	next(q);
}

static void run(struct work *w, struct store_reader *r)
{
	struct login *l = (struct login *)((char *)w - offsetof(struct login, work));
	l->err = check(l->of, l, r);
	l->post.fn = landed;
	l->post.arg = l;
	loop_post(node_loop(l->of->node), &l->post);
}

/* ---- on the loop ---- */

static void next(struct logins *q)
{
	while ((q->clean || q->others) && !q->running) {
		struct login *l = q->clean ? q->clean : q->others;
		if (q->clean) {
			q->clean = l->next;
			q->n_clean--;
		} else {
			q->others = l->next;
			if (!q->others)
				q->last = &q->others;
			q->n_others--;
		}
		l->work.fn = run;
		int err = node_work(q->node, &l->work); /* from here on it is the worker's */
		if (err == 0) {
			q->running = true;
			return;
		}
		crypto_wipe(l->password, sizeof l->password);
		end_try(q, span_str(l->name), span_str(l->from), l->passed, err);
		l->done(l, err);
	}
}

int logins_submit(struct logins *q, struct login *l, int64_t *ret_wait_ns)
{
	pthread_mutex_lock(&q->mu);
	bool clean = limiter_failures(&q->by_address, span_hash(span_str(l->from)), mono_now()) == 0;
	pthread_mutex_unlock(&q->mu);
	*ret_wait_ns = NS_PER_S;
	if (clean ? q->n_clean >= LOGINS_CLEAN_MAX : q->n_others >= LOGINS_WAITING_MAX)
		return MO_EAGAIN;
	int err = begin_try(q, span_str(l->name), span_str(l->from), &l->passed, ret_wait_ns);
	if (err != 0)
		return err;
	l->of = q;
	if (clean) {
		l->next = q->clean;
		q->clean = l;
		q->n_clean++;
	} else {
		l->next = NULL;
		*q->last = l;
		q->last = &l->next;
		q->n_others++;
	}
	next(q);
	return 0;
}
