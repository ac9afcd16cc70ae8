/* See priv/tls.h. */
#include <stdio.h>
#include <stdlib.h>

#include "node/keys.h"
#include "node/priv/node.h"

/* What one look at the files came to. */
struct found {
	struct http_tls *server; /* NULL: nothing new */
	struct pki_names names;
	struct keys_pair pair;
	bool made;
};

struct node_tls {
	struct node *n;
	bool on;
	struct buf ca;             /* PEM */
	struct http_tls *server;
	struct pki_names names;    /* written by the loop thread, under the node's mu */
	int64_t not_after_ns;      /* of the certificate in use; loop thread */
	uint8_t sha256[32];        /* of it */
	int64_t checked_ns;        /* monotonic */
	struct address_list machine; /* as of the last look at them; loop thread */
	int64_t machine_ns;        /* monotonic: of that look */
	bool running, again;
	struct work work;
	struct loop_post post;
	struct found *found;       /* the worker's, then the post's; NULL: failed */
};

static struct keys_who who(struct node *n, const struct settings *s)
{
	return (struct keys_who){.vfs = node_vfs(n), .dir = n->folder->path, .name = s->name, .id = &n->folder->id, .now_ns = wall_now()};
}

/* Of all that the PC has, where it listens on all of them. That they cannot be found out is said once; then there are those of the settings. */
static void look_machine(struct node *n, struct address_list *ret)
{
	*ret = (struct address_list){0};
	int err = address_read(n->address, NULL, 0) == ADDRESS_ANY ? (n->opt.machine ? n->opt.machine : address_machine)(ret) : 0;
	if (err == 0)
		return;
	ret->n = 0;
	struct diag *d = atomic_exchange(&n->said_machine, true) ? NULL : calloc(1, sizeof *d);
	if (d) {
		diag_set(d, err, MSG_TLS_NO_ADDRESSES);
		diag_text(d, 0, span_str(mo_err_name(err)));
		node_log(n, "warn", d);
	}
	free(d);
}

static bool is_given(const struct settings *s) { return strcmp(s->tls_mode, "given") == 0; }

static void found_free(struct found *f)
{
	if (!f)
		return;
	http_tls_free(f->server);
	keys_free(&f->pair);
	free(f);
}

/* A setting that has to stand there. */
static int missing(struct node *n, const char *field, struct diag *d)
{
	char *path = folder_path(n->folder, "moru.yaml");
	(void)diag_set(d, MO_EINVAL, path ? MSG_TLS_GIVEN_WHICH : MSG_OUT_OF_MEMORY);
	diag_file(d, path ? path : "");
	diag_field(d, span_str(field));
	free(path);
	return MO_EINVAL;
}

/* Says how a certificate's time stands. */
static void say_time(struct node *n, const char *level, enum mo_msg msg, const struct keys_pair *p, bool names)
{
	struct diag *d = calloc(1, sizeof *d);
	char text[32], list[DIAG_TEXT_MAX] = "";
	size_t at = 0, len = rfc3339_format(text, p->info.not_after_ns);
	if (!d)
		return;
	for (size_t i = 0; i < p->info.names.n && at < sizeof list; i++)
		at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", p->info.names.name[i]);
	diag_set(d, 0, msg);
	diag_file(d, p->chain_file);
	diag_text(d, 0, names ? span_str(list) : span_of(text, len));
	if (names)
		diag_text(d, 1, span_of(text, len));
	node_log(n, level, d);
	free(d);
}

static void say_set_aside(struct node *n, const struct keys_pair *p)
{
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return;
	diag_set(d, MO_ECORRUPT, MSG_KEYS_SET_ASIDE);
	diag_file(d, p->key_file);
	node_log(n, "error", d);
	free(d);
}

static int look_given(struct found *f, struct node *n, const struct keys_who *w, const struct settings *s, bool first, struct diag *d)
{
	if (!*s->tls_certificate || !*s->tls_key)
		return missing(n, *s->tls_certificate ? "tls.key" : "tls.certificate", d);
	int err = keys_given(&f->pair, w, s->tls_certificate, s->tls_key, d);
	if (err != 0)
		return err;
	err = pki_valid_at(&f->pair.info, w->now_ns, f->pair.chain_file, d);
	/* After a power cut at night a machine's values count more than a date that everybody who connects will be shown. */
	if (err != 0 && first) {
		node_log(n, "error", d);
		err = 0;
	} else if (err == 0 && f->pair.info.not_after_ns - w->now_ns < KEYS_RENEW_NS) {
		say_time(n, "warn", MSG_TLS_ENDS_SOON, &f->pair, false);
	}
	return err;
}

/* Files to what a server takes. Any thread but the loop, once it runs. */
static int look(struct found **ret, struct node *n, bool first, struct diag *d)
{
	struct settings *s = calloc(1, sizeof *s);
	struct found *f = calloc(1, sizeof *f);
	int err = s && f ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0) {
		node_settings(n, s);
		struct keys_who w = who(n, s);
		struct address_list machine;
		look_machine(n, &machine);
		keys_names(&f->names, s->names, n->address, &machine);
		if (is_given(s))
			err = look_given(f, n, &w, s, first, d);
		else
			err = keys_own(&f->pair, &f->made, &w, &f->names, d);
	}
	if (err == 0)
		err = keys_tls(&f->server, &f->pair, d);
	if (f && f->pair.set_aside)
		say_set_aside(n, &f->pair);
	if (err == 0 && f->made)
		say_time(n, "info", MSG_TLS_MADE, &f->pair, true);
	free(s);
	if (err != 0)
		found_free(f);
	else
		*ret = f;
	return err;
}

/* ---- later looks ---- */
static void take(struct node_tls *t, struct found *f)
{
	bool other = memcmp(t->sha256, f->pair.info.sha256, sizeof t->sha256) != 0;
	pthread_mutex_lock(&t->n->mu); /* node_names() */
	t->names = f->names;
	pthread_mutex_unlock(&t->n->mu);
	t->not_after_ns = f->pair.info.not_after_ns;
	memcpy(t->sha256, f->pair.info.sha256, sizeof t->sha256);
	if (!t->server)
		t->server = f->server;
	else if (other)
		http_tls_replace(t->server, f->server);
	else
		http_tls_free(f->server);
	f->server = NULL;
}

static void begin_look(struct node_tls *t);

static void looked(void *arg)
{
	struct node_tls *t = arg;
	struct found *f = t->found;
	t->found = NULL;
	t->running = false;
	if (f) {
		bool other = memcmp(t->sha256, f->pair.info.sha256, sizeof t->sha256) != 0;
		take(t, f);
		if (other && !f->made)
			say_time(t->n, "info", MSG_TLS_REPLACED, &f->pair, true);
		found_free(f);
	}
	if (t->again)
		begin_look(t);
}

static void on_worker(struct work *w, struct store_reader *r)
{
	struct node_tls *t = (struct node_tls *)((char *)w - offsetof(struct node_tls, work));
	struct diag *d = calloc(1, sizeof *d);
	(void)r;
	if (d && look(&t->found, t->n, false, d) != 0) {
		node_log(t->n, "error", d);
		diag_set(d, MO_EINVAL, MSG_TLS_KEPT);
		node_log(t->n, "warn", d);
	}
	free(d);
	t->post = (struct loop_post){.fn = looked, .arg = t};
	loop_post(t->n->loop, &t->post);
}

static void begin_look(struct node_tls *t)
{
	if (t->running) {
		t->again = true;
		return;
	}
	t->work.fn = on_worker;
	t->running = node_work(t->n, &t->work) == 0;
	t->again = !t->running && !t->n->closing; /* no room in the queue: the next tick */
}

void node_tls_check(struct node_tls *t)
{
	if (!t)
		return;
	t->checked_ns = mono_now();
	if (t->on)
		begin_look(t);
}

void node_tls_tick(struct node_tls *t, int64_t now_ns)
{
	bool due = t && (now_ns - t->checked_ns >= NODE_TLS_CHECK_NS || (t->again && !t->running));
	if (t && t->on && now_ns - t->machine_ns >= NODE_TLS_MACHINE_NS) {
		struct address_list now;
		look_machine(t->n, &now);
		due |= !address_list_equal(&now, &t->machine); /* a cable, a Wi-Fi, another lease */
		t->machine = now;
		t->machine_ns = now_ns;
	}
	if (due)
		node_tls_check(t);
}

/* ---- its life ---- */
static void read_ca(struct node_tls *t)
{
	uint8_t *p = NULL;
	size_t n = 0;
	char *path = folder_path(t->n->folder, "tls/ca.crt");
	if (path && vfs_slurp(node_vfs(t->n), &p, &n, path, PKI_PEM_MAX_BYTES, NULL) == 0)
		buf_add(&t->ca, span_of(p, n));
	free(p);
	free(path);
}

int node_tls_new(struct node_tls **ret, struct node *n, struct diag *d)
{
	struct node_tls *t = calloc(1, sizeof *t);
	struct found *f = NULL;
	if (!t)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	t->n = n;
	t->on = settings_tls(&n->settings);
	t->not_after_ns = T_NONE;
	t->checked_ns = mono_now();
	buf_init(&t->ca, 0);
	struct keys_who w = who(n, &n->settings);
	look_machine(n, &t->machine);
	t->machine_ns = t->checked_ns;
	keys_names(&t->names, n->settings.names, n->address, &t->machine);
	int err = keys_make(&w, &t->names, d);
	if (err != 0 && err != MO_ENOMEM && (!t->on || is_given(&n->settings))) {
		node_log(n, "warn", d);
		err = 0;
	}
	if (err == 0 && t->on && (err = look(&f, n, true, d)) == 0)
		take(t, f);
	found_free(f);
	if (err == 0 && !(t->on && is_given(&n->settings)))
		read_ca(t);
	if (err != 0)
		node_tls_free(t);
	else
		*ret = t;
	return err;
}

void node_tls_free(struct node_tls *t)
{
	if (!t)
		return;
	found_free(t->found);
	http_tls_free(t->server);
	buf_free(&t->ca);
	free(t);
}

struct http_tls *node_tls_server(struct node_tls *t) { return t->server; }

bool node_tls_on(struct node *n) { return n->tls && n->tls->on; }
int64_t node_tls_expires(struct node *n) { return n->tls ? n->tls->not_after_ns : T_NONE; }
struct span node_ca(struct node *n) { return n->tls ? buf_span(&n->tls->ca) : span_of(NULL, 0); }
void node_names(struct node *n, struct pki_names *ret)
{
	pthread_mutex_lock(&n->mu);
	if (n->tls)
		*ret = n->tls->names;
	else
		ret->n = 0;
	pthread_mutex_unlock(&n->mu);
}
bool node_has_name(struct node *n, struct span name) { return n->tls && pki_names_have(&n->tls->names, name); }
