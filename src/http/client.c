#include "http/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#define CLIENT_TIMEOUT_MS 30000
#define CLIENT_ANSWER_BYTES (UINT64_C(64) << 20)
#define CLIENT_URL_MAX 16384u
#define CLIENT_PIECE (256L << 10)

struct httpc {
	CURL *curl;
	bool global;
};

struct answer {
	struct buf *to;
	uint64_t limit_bytes;
	int err;
};

int httpc_new(struct httpc **ret)
{
	struct httpc *c = calloc(1, sizeof *c);

	if (!c)
		return MO_ENOMEM;
	/* Counted by curl itself, and thread-safe since 7.84. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(c);
		return MO_ENOMEM;
	}
	c->global = true;
	c->curl = curl_easy_init();
	if (!c->curl) {
		httpc_free(c);
		return MO_ENOMEM;
	}
	*ret = c;
	return 0;
}

void httpc_free(struct httpc *c)
{
	if (!c)
		return;
	if (c->curl)
		curl_easy_cleanup(c->curl);
	if (c->global)
		curl_global_cleanup();
	free(c);
}

static size_t on_bytes(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;

	n *= size; /* size is 1 by contract of curl */
	if (n > a->limit_bytes - a->to->n) {
		a->err = MO_ELIMIT;
		return 0;
	}
	buf_add(a->to, span_of(p, n));
	a->err = a->to->err;
	return a->err ? 0 : n;
}

struct giving {
	const struct httpc_request *r;
	int err;
};

static size_t give_piece(char *to, size_t size, size_t n, void *arg)
{
	struct giving *g = arg;
	size_t got = 0;

	g->err = g->r->piece(g->r->piece_arg, (uint8_t *)to, n * size, &got); /* size is 1, too */
	return g->err ? CURL_READFUNC_ABORT : got;
}

static CURLcode set_pieces(CURL *h, const struct httpc_request *r, struct giving *g)
{
	CURLcode e = curl_easy_setopt(h, CURLOPT_POST, 1L);

	if (e == CURLE_OK)
		e = curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method);
	if (e == CURLE_OK)
		e = curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_bytes);
	if (e == CURLE_OK)
		e = curl_easy_setopt(h, CURLOPT_READFUNCTION, give_piece);
	if (e == CURLE_OK)
		e = curl_easy_setopt(h, CURLOPT_READDATA, g);
	/* Pieces come once: on a kept connection that has died meanwhile they could not be sent again. */
	if (e == CURLE_OK)
		e = curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
	if (e == CURLE_OK)
		e = curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, CLIENT_PIECE);
	return e;
}

/* Nobody else is believed: not the system's list, not its folder. */
static CURLcode set_ca(CURL *h, const char *file)
{
	CURLcode e = curl_easy_setopt(h, CURLOPT_CAINFO, file);

	return e == CURLE_OK ? curl_easy_setopt(h, CURLOPT_CAPATH, NULL) : e;
}

static CURLcode set_method(CURL *h, const struct httpc_request *r)
{
	CURLcode e;

	if (strcmp(r->method, "HEAD") == 0)
		return curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	if (strcmp(r->method, "GET") == 0 && r->body.n == 0)
		return curl_easy_setopt(h, CURLOPT_HTTPGET, 1L);
	e = curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method);
	if (e == CURLE_OK &&
	        (r->body.n > 0 || strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0)) {
		e = curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
		if (e == CURLE_OK)
			e = curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body.n ? (const char *)r->body.p : "");
	}
	return e;
}

static bool add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more)
		*list = more;
	return more != NULL;
}

static int set_headers(CURL *h, const struct httpc_request *r, struct curl_slist **list)
{
	struct buf line;
	int ok;

	buf_init(&line, CLIENT_URL_MAX);
	buf_printf(&line, "Content-Type:%s%s", r->content_type ? " " : "", r->content_type ? r->content_type : "");
	/* No "Expect": with a node that refuses early the answer comes anyway, and waiting for 100 costs a second with others. */
	ok = !line.err && add_header(list, (const char *)line.p) && add_header(list, "Expect:") &&
	     (!r->header || !*r->header || add_header(list, r->header)) && curl_easy_setopt(h, CURLOPT_HTTPHEADER, *list) == CURLE_OK;
	buf_free(&line);
	return ok ? 0 : MO_ENOMEM;
}

static int failed(CURLcode e, const struct answer *a, const struct httpc_request *r, long timeout_ms, const char *why, struct diag *d)
{
	const char *who = r->unix_path ? r->unix_path : r->url;
	int err;

	if (e == CURLE_OUT_OF_MEMORY || a->err == MO_ENOMEM)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (a->err == MO_ELIMIT || e == CURLE_FILESIZE_EXCEEDED) {
		err = diag_set(d, MO_ELIMIT, MSG_HTTP_ANSWER_TOO_LONG);
		diag_text(d, 0, span_str(who));
		diag_int(d, 1, a->limit_bytes > INT64_MAX ? INT64_MAX : (int64_t)a->limit_bytes);
	} else if (e == CURLE_OPERATION_TIMEDOUT) {
		err = diag_set(d, MO_ETIMEOUT, MSG_HTTP_TIMEOUT);
		diag_text(d, 0, span_str(who));
		diag_real(d, 1, (double)timeout_ms / 1000);
	} else if (e == CURLE_URL_MALFORMAT || e == CURLE_UNSUPPORTED_PROTOCOL) {
		err = diag_set(d, MO_EINVAL, MSG_HTTP_BAD_URL);
		diag_value(d, span_str(r->url));
	} else {
		bool connect = e == CURLE_COULDNT_CONNECT || e == CURLE_COULDNT_RESOLVE_HOST;

		err = diag_set(d, MO_EIO, connect ? MSG_HTTP_NO_CONNECTION : MSG_HTTP_EXCHANGE_FAILED);
		diag_text(d, 0, span_str(who));
		diag_text(d, 1, span_str(*why ? why : curl_easy_strerror(e)));
	}
	return err;
}

int httpc_do(struct httpc *c, const struct httpc_request *r, int *ret_status, struct buf *answer, struct diag *d)
{
	CURL *h = c->curl;
	struct curl_slist *list = NULL;
	struct giving g = {r, 0};
	struct answer a = {answer, r->answer_limit_bytes ? r->answer_limit_bytes : CLIENT_ANSWER_BYTES, 0};
	long timeout_ms = r->timeout_ms <= 0 ? CLIENT_TIMEOUT_MS : r->timeout_ms > INT32_MAX ? INT32_MAX : (long)r->timeout_ms, status = 0;
	char why[CURL_ERROR_SIZE] = "";
	CURLcode e;
	int err = 0;

	buf_reset(answer);
	if (r->body.n > INT64_MAX || r->body_bytes > INT64_MAX)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	curl_easy_reset(h); /* keeps its connections */
	/* Nothing from the environment (proxies), no signals, no redirects: what is asked is who answers. */
	if ((e = curl_easy_setopt(h, CURLOPT_URL, r->url)) != CURLE_OK || (e = curl_easy_setopt(h, CURLOPT_PROXY, "")) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L)) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_ERRORBUFFER, why)) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https")) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1)) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, timeout_ms)) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes)) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_WRITEDATA, &a)) != CURLE_OK || (e = r->piece ? set_pieces(h, r, &g) : set_method(h, r)) != CURLE_OK ||
	        (e = curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)) != CURLE_OK ||
	        (r->ca_file && (e = set_ca(h, r->ca_file)) != CURLE_OK) ||
	        (r->unix_path && (e = curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, r->unix_path)) != CURLE_OK)) {
		err = failed(e, &a, r, timeout_ms, why, d);
		goto out;
	}
	if (set_headers(h, r, &list) < 0) {
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		goto out;
	}
	e = curl_easy_perform(h);
	if (e == CURLE_OK)
		e = curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	if (e != CURLE_OK && g.err)
		err = g.err;
	else if (e != CURLE_OK)
		err = failed(e, &a, r, timeout_ms, why, d);
	else
		*ret_status = (int)status;
out:
	/* The handle must not keep pointers into this call. */
	curl_easy_reset(h);
	curl_slist_free_all(list);
	return err;
}
