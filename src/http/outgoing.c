/* See outgoing.h. The thread alone touches curl. Requests come to it by a list
 * under a mutex, and go back to the loop by its posts. */
#include "http/outgoing.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "os/clock.h"
#include "os/crypto.h"
#include "os/thread.h"

#define POLL_MS 60000 /* a wake-up ends it earlier */
#define CONNECTIONS_MAX 32L
#define BEARER_LINE_MAX 8192u

struct outgoing_wire {
	struct outgoing_request *r;
	struct outgoing_wire *next; /* waiting, then under way */
	struct loop_post post;
	bool cancel;      /* mu */
	/* thread */
	CURL *curl;
	struct curl_slist *headers;
	uint64_t got;
	struct trust_guard guard;
	char *host;       /* curl's */
	char why[CURL_ERROR_SIZE];
};
struct outgoing {
	struct loop *loop;
	CURLM *multi;
	bool global, started;
	pthread_t thread;
	struct outgoing_wire *running; /* thread */

	pthread_mutex_t mu; /* below */
	struct outgoing_wire *waiting;
	bool stop, canceled;
};

/* ---- one request, on the thread ---- */

static size_t on_bytes(char *p, size_t size, size_t n, void *arg)
{
	struct outgoing_wire *w = arg;
	struct outgoing_request *r = w->r;
	n *= size;
	size_t room = sizeof r->answer - r->n_answer, kept = n < room ? n : room;
	memcpy(r->answer + r->n_answer, p, kept);
	r->n_answer += kept;
	w->got += n;
	return w->got > OUTGOING_ANSWER_READ_MAX ? 0 : n;
}

static bool add_line(struct outgoing_wire *w, const char *line)
{
	struct curl_slist *more = curl_slist_append(w->headers, line);
	if (more)
		w->headers = more;
	return more != NULL;
}

static bool set_headers(struct outgoing_wire *w)
{
	const struct outgoing_request *r = w->r;
	struct buf line;
	buf_init(&line, BEARER_LINE_MAX);
	/* Room that does not move: the token stands in it. */
	bool ok = buf_reserve(&line, BEARER_LINE_MAX) != NULL;
	buf_printf(&line, "Content-Type: %s", r->content_type);
	ok = ok && !line.err && add_line(w, (const char *)line.p) && add_line(w, "Expect:") && add_line(w, "Accept:");
	if (ok && r->bearer) {
		buf_reset(&line);
		buf_printf(&line, "Authorization: Bearer %s", r->bearer);
		ok = !line.err && add_line(w, (const char *)line.p);
	}
	if (line.p)
		crypto_wipe(line.p, line.cap);
	buf_free(&line);
	return ok;
}

/* A connection that the owner's list let pass is used once: what is refused later must not go on over it. */
static size_t on_line(char *p, size_t size, size_t n, void *arg)
{
	struct outgoing_wire *w = arg;
	(void)p;
	if (w->guard.by_list && curl_easy_setopt(w->curl, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK)
		return 0;
	return size * n;
}

static CURLcode on_ssl(CURL *h, void *ssl_ctx, void *arg)
{
	struct outgoing_wire *w = arg;
	(void)h;
	w->guard.asked.now_ns = wall_now();
	trust_guard_set(&w->guard, ssl_ctx);
	return CURLE_OK;
}

/* The host of the url, as it stands in a certificate. */
static CURLcode read_host(struct outgoing_wire *w)
{
	CURLU *u = curl_url();
	CURLUcode e = u ? curl_url_set(u, CURLUPART_URL, w->r->url, 0) : CURLUE_OUT_OF_MEMORY;
	if (e == CURLUE_OK)
		e = curl_url_get(u, CURLUPART_HOST, &w->host, 0);
	curl_url_cleanup(u);
	if (e != CURLUE_OK)
		return e == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_URL_MALFORMAT;
	size_t n = strlen(w->host);
	if (n > 2 && w->host[0] == '[' && w->host[n - 1] == ']') { /* IPv6 */
		w->host[n - 1] = 0;
		memmove(w->host, w->host + 1, n - 1);
	}
	return CURLE_OK;
}

/* Without a CA of its own: the system's, then the owner's list. A resumed session would pass by both. */
static CURLcode set_trust(struct outgoing_wire *w)
{
	CURL *h = w->curl;
	CURLcode e = read_host(w);
	w->guard.list = w->r->trust;
	w->guard.asked = (struct trust_asked){.purpose = TRUST_HTTPS_OUT, .name = w->host, .who = w->r->who};
	if (e != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_ssl)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, w)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_SSL_SESSIONID_CACHE, 0L)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_line)) != CURLE_OK)
		return e;
	return curl_easy_setopt(h, CURLOPT_HEADERDATA, w);
}

static int start(struct outgoing *o, struct outgoing_wire *w)
{
	const struct outgoing_request *r = w->r;
	CURL *h = w->curl = curl_easy_init();
	struct curl_blob ca = {.data = (void *)(uintptr_t)r->ca.p, .len = r->ca.n, .flags = CURL_BLOB_NOCOPY};
	CURLcode e = h ? CURLE_OK : CURLE_OUT_OF_MEMORY;
	if (h && !set_headers(w))
		e = CURLE_OUT_OF_MEMORY;
	if (e != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_URL, r->url)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_PROXY, "")) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_ERRORBUFFER, w->why)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https")) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)OUTGOING_CONNECT_MS)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_USERAGENT, OUTGOING_AGENT)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_POST, 1L)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body.n ? (const char *)r->body.p : "")) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_HTTPHEADER, w->headers)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes)) != CURLE_OK ||
		(e = curl_easy_setopt(h, CURLOPT_WRITEDATA, w)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_PRIVATE, w)) != CURLE_OK ||
		(!r->ca.n && strncmp(r->url, "https://", 8) == 0 && (e = set_trust(w)) != CURLE_OK) ||
		(r->ca.n && ((e = curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &ca)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_CAPATH, NULL)) != CURLE_OK)))
		return e == CURLE_URL_MALFORMAT || e == CURLE_UNSUPPORTED_PROTOCOL ? MO_EINVAL : MO_ENOMEM;
	return curl_multi_add_handle(o->multi, h) == CURLM_OK ? 0 : MO_ENOMEM;
}

static bool is_http(const char *url) { return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0; }

static void say(struct outgoing_wire *w, CURLcode e)
{
	struct outgoing_request *r = w->r;
	if (e == CURLE_OUT_OF_MEMORY) {
		r->err = diag_set(&r->why, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	} else if (w->guard.verdict > TRUST_GOOD) {
		r->err = MO_EDENIED;
		r->why = w->guard.why;
	} else if (e == CURLE_OPERATION_TIMEDOUT) {
		r->err = diag_set(&r->why, MO_ETIMEOUT, MSG_HTTP_TIMEOUT);
		diag_text(&r->why, 0, span_str(r->who));
		diag_real(&r->why, 1, (double)r->timeout_ms / 1000);
	} else if (e == CURLE_URL_MALFORMAT || (e == CURLE_UNSUPPORTED_PROTOCOL && !is_http(r->url))) { /* the latter is said of rubbish for an answer, too */
		r->err = diag_set(&r->why, MO_EINVAL, MSG_HTTP_BAD_URL);
		diag_value(&r->why, span_str(r->who));
	} else {
		bool connect = e == CURLE_COULDNT_CONNECT || e == CURLE_COULDNT_RESOLVE_HOST;
		r->err = diag_set(&r->why, MO_EIO, connect ? MSG_HTTP_NO_CONNECTION : MSG_HTTP_EXCHANGE_FAILED);
		diag_text(&r->why, 0, span_str(r->who));
		diag_text(&r->why, 1, span_str(w->why[0] ? w->why : curl_easy_strerror(e)));
	}
}

static void drop_headers(struct outgoing_wire *w)
{
	for (struct curl_slist *l = w->headers; l; l = l->next)
		crypto_wipe(l->data, strlen(l->data));
	curl_slist_free_all(w->headers);
	w->headers = NULL;
}

static void done_posted(void *arg)
{
	struct outgoing_wire *w = arg;
	struct outgoing_request *r = w->r;
	r->wire = NULL;
	trust_list_free(r->trust);
	r->trust = NULL;
	free(w);
	r->done(r);
}

static void finish(struct outgoing *o, struct outgoing_wire *w)
{
	if (w->curl) {
		curl_multi_remove_handle(o->multi, w->curl);
		curl_easy_cleanup(w->curl);
		w->curl = NULL;
	}
	drop_headers(w);
	curl_free(w->host);
	w->r->verdict = w->guard.verdict;
	w->r->n_shown = w->guard.n_shown;
	memcpy(w->r->shown, w->guard.shown, w->guard.n_shown);
	w->post = (struct loop_post){.fn = done_posted, .arg = w};
	loop_post(o->loop, &w->post);
}

static void finish_as(struct outgoing *o, struct outgoing_wire *w, int err)
{
	struct outgoing_request *r = w->r;
	if (err == MO_EINVAL) {
		say(w, CURLE_URL_MALFORMAT);
	} else {
		r->err = diag_set(&r->why, err, err == MO_ECANCELED ? MSG_HTTP_GIVEN_UP : MSG_OUT_OF_MEMORY);
		diag_text(&r->why, 0, span_str(r->who));
	}
	finish(o, w);
}

static void forget(struct outgoing *o, const struct outgoing_wire *w)
{
	for (struct outgoing_wire **at = &o->running; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			return;
		}
}

/* ---- the thread ---- */

/* Takes what waits, and breaks off what is not wanted any more. False: stop. */
static bool take(struct outgoing *o)
{
	pthread_mutex_lock(&o->mu);
	struct outgoing_wire *w = o->waiting, *in_order = NULL, *next;
	bool stop = o->stop, canceled = o->canceled;
	o->waiting = NULL;
	o->canceled = false;
	pthread_mutex_unlock(&o->mu);
	for (; w; w = next) {
		next = w->next;
		w->next = in_order;
		in_order = w;
	}
	for (w = in_order; w; w = next) {
		next = w->next;
		int err = stop ? MO_ECANCELED : start(o, w);
		if (err != 0) {
			finish_as(o, w, err);
		} else {
			w->next = o->running;
			o->running = w;
		}
	}
	for (struct outgoing_wire **at = &o->running; (stop || canceled) && *at;) {
		w = *at;
		pthread_mutex_lock(&o->mu);
		bool cancel = stop || w->cancel;
		pthread_mutex_unlock(&o->mu);
		if (!cancel) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		finish_as(o, w, MO_ECANCELED);
	}
	return !stop;
}

static void reap(struct outgoing *o)
{
	int left;
	CURLMsg *m;
	while ((m = curl_multi_info_read(o->multi, &left))) {
		CURLcode e = m->data.result;
		struct outgoing_wire *w = NULL;
		long status = 0;
		curl_off_t after = 0;
		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &w) != CURLE_OK || !w)
			continue;
		if (e == CURLE_OK)
			e = curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		if (e == CURLE_OK && curl_easy_getinfo(m->easy_handle, CURLINFO_RETRY_AFTER, &after) == CURLE_OK && after > 0)
			w->r->retry_after_s = after;
		w->r->status = (int)status;
		if (e != CURLE_OK)
			say(w, e);
		forget(o, w);
		finish(o, w);
	}
}

static void *run(void *arg)
{
	struct outgoing *o = arg;
	int busy;
	while (take(o)) {
		/* An error here is one of memory: each request's own result tells it, or its time-out. */
		(void)curl_multi_perform(o->multi, &busy);
		reap(o);
		(void)curl_multi_poll(o->multi, NULL, 0, POLL_MS, NULL);
	}
	return NULL;
}

/* ---- the loop's side ---- */

int outgoing_new(struct outgoing **ret, struct loop *l)
{
	struct outgoing *o = calloc(1, sizeof *o);
	if (!o)
		return MO_ENOMEM;
	o->loop = l;
	pthread_mutex_init(&o->mu, NULL);
	*ret = o;
	return 0;
}

/* curl and the thread cost memory that a node without sinks does not want. */
static int begin(struct outgoing *o)
{
	if (o->started)
		return 0;
	if (!o->global && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return MO_ENOMEM;
	o->global = true;
	if (!o->multi && !(o->multi = curl_multi_init()))
		return MO_ENOMEM;
	(void)curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	int err = thread_start(&o->thread, "outgoing", run, o);
	o->started = err == 0;
	return err;
}

int outgoing_send(struct outgoing *o, struct outgoing_request *r)
{
	if (o->stop) /* set by this thread */
		return MO_ESTATE;
	struct outgoing_wire *w = calloc(1, sizeof *w);
	int err = w ? begin(o) : MO_ENOMEM;
	if (err != 0) {
		free(w);
		return err;
	}
	w->r = r;
	r->wire = w;
	r->err = r->status = 0;
	r->retry_after_s = 0;
	r->n_answer = r->n_shown = 0;
	r->verdict = TRUST_NOT_ASKED;
	(void)trust_list_hold(r->trust);
	diag_clear(&r->why);
	pthread_mutex_lock(&o->mu);
	w->next = o->waiting;
	o->waiting = w;
	pthread_mutex_unlock(&o->mu);
	(void)curl_multi_wakeup(o->multi);
	return 0;
}

void outgoing_cancel(struct outgoing *o, struct outgoing_request *r)
{
	if (!r->wire)
		return;
	pthread_mutex_lock(&o->mu);
	r->wire->cancel = o->canceled = true;
	pthread_mutex_unlock(&o->mu);
	(void)curl_multi_wakeup(o->multi);
}

void outgoing_stop(struct outgoing *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->mu);
	o->stop = true;
	pthread_mutex_unlock(&o->mu);
	if (!o->started)
		return;
	(void)curl_multi_wakeup(o->multi);
	thread_join(o->thread);
	o->started = false;
}

void outgoing_free(struct outgoing *o)
{
	if (!o)
		return;
	outgoing_stop(o);
	if (o->multi)
		curl_multi_cleanup(o->multi);
	if (o->global)
		curl_global_cleanup();
	pthread_mutex_destroy(&o->mu);
	free(o);
}
