/* The Modbus TCP client's state machine.
 *
 *            tick(): retry_ns passed            connected()
 *   OFFLINE ------------------------> CONNECTING ----------> ONLINE
 *      ^                                  |                    |
 *      |   disconnected(): attempt failed |                    |
 *      +----------------------------------+                    |
 *      |   disconnected(): stream lost, or closed after        |
 *      |   input() MO_EPROTO or tick() MO_ETIMEOUT             |
 *      +-------------------------------------------------------+
 *
 * ONLINE, one request at a time:
 *
 *   pump(): something is due      -> ask(): request in tx, deadline set
 *   input(): its answer           -> answer_values(), answer_refused() or a cycle's next part; pump()
 *   input(): an older transaction -> dropped
 *   input(): anything else        -> MO_EPROTO, broken
 *   tick(): deadline passed       -> silence(): signals bad; pump(), or after SILENCES_MAX MO_ETIMEOUT, broken
 *
 * Node time says what is due and stamps values; monotonic time drives deadlines and retries. */
#include "driver/modbus/priv/client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"

#define SILENCES_MAX 3u
#define CONNECT_TIMEOUT_NS (5 * NS_PER_S)
#define RETRY_FIRST_NS (500 * NS_PER_MS)
#define RETRY_MAX_NS (30 * NS_PER_S)
#define REFUSED_WAIT_MAX_NS (30 * NS_PER_S) /* node time; a longer period stays as it is */
#define EXCEPTION_ILLEGAL_ADDRESS 2
#define EXCEPTION_ILLEGAL_VALUE 3

static struct modbus *of(struct driver *dr)
{
	return (struct modbus *)dr;
}
static const struct modbus *of_const(const struct driver *dr)
{
	return (const struct modbus *)dr;
}

static void set_state(struct modbus *m, enum driver_state to)
{
	static const bool allowed[DRIVER_STATES][DRIVER_STATES] = {
	        [DRIVER_OFFLINE] = {[DRIVER_CONNECTING] = true},
	        [DRIVER_CONNECTING] = {[DRIVER_OFFLINE] = true, [DRIVER_ONLINE] = true},
	        [DRIVER_ONLINE] = {[DRIVER_OFFLINE] = true},
	};
	assert(allowed[m->state][to]);
	m->state = to;
}

static int64_t later(int64_t t_ns, int64_t by_ns)
{
	int64_t sum;
	return __builtin_add_overflow(t_ns, by_ns, &sum) ? INT64_MAX : sum;
}

/* ---- trouble ---- */
static const char *item_name(const struct modbus *m, const struct modbus_item *it)
{
	return it->signal == MODBUS_NO_SIGNAL ? "cycle.counter" : m->cfg.signals[it->signal].name;
}

static void say_refused(struct modbus *m, const struct modbus_batch *b, const struct modbus_item *const *order)
{
	char field[2 * DIAG_TEXT_MAX], place[64];
	const char *first = item_name(m, order[b->first]), *last = item_name(m, order[b->first + b->n - 1]);
	if (b->n == 1)
		(void)snprintf(field, sizeof field, "%s", first);
	else
		(void)snprintf(field, sizeof field, "%s … %s", first, last);
	if (b->quantity == 1)
		(void)snprintf(place, sizeof place, "%s %u", modbus_table_name(b->table), (unsigned)b->start);
	else
		(void)snprintf(
		        place, sizeof place, "%s %u..%u", modbus_table_name(b->table), (unsigned)b->start, b->start + b->quantity - 1u);
	(void)diag_set(&m->trouble, MO_EIO, modbus_exception_message(b->exception));
	diag_field(&m->trouble, span_str(field));
	diag_value(&m->trouble, span_str(place));
	diag_int(&m->trouble, 0, b->exception);
}

/* The connection is well: what else is wrong, if anything. */
static void refresh_trouble(struct modbus *m)
{
	m->link_trouble = false;
	for (size_t i = 0; i < m->n_batches; i++)
		if (m->batch[i].exception) {
			say_refused(m, &m->batch[i], m->order);
			return;
		}
	for (size_t i = 0; i < m->cycle.n_parts; i++)
		if (m->cycle.part[i].exception) {
			say_refused(m, &m->cycle.part[i], m->cycle.order);
			return;
		}
	if (m->cycle.moving) {
		(void)diag_set(&m->trouble, MO_EAGAIN, MSG_MODBUS_CYCLE_MOVING);
		diag_field(&m->trouble, SPAN_LIT("cycle"));
		return;
	}
	diag_clear(&m->trouble);
}

static int say_link(struct modbus *m, int err, enum mo_msg msg)
{
	m->link_trouble = true;
	(void)diag_set(&m->trouble, err, msg);
	diag_field(&m->trouble, span_str(m->cfg.place));
	diag_int(&m->trouble, 0, m->cfg.timeout_ns / NS_PER_MS);
	return err;
}

static int give_trouble(const struct modbus *m, struct diag *d)
{
	if (d)
		*d = m->trouble;
	return m->trouble.err;
}

/* ---- frames kept ---- */
static void keep_frame(struct modbus *m, bool sent, int64_t mono_ns, struct span bytes)
{
	struct modbus_trace *t = &m->trace[m->traced++ % MODBUS_FRAMES_KEPT];
	t->sent = sent;
	t->mono_ns = mono_ns;
	t->n = (uint16_t)(bytes.n < sizeof t->bytes ? bytes.n : sizeof t->bytes);
	memcpy(t->bytes, bytes.p, t->n);
	if (m->traced == 2 * MODBUS_FRAMES_KEPT)
		m->traced = MODBUS_FRAMES_KEPT; /* same slot, still "all kept" */
}

static bool client_frame(const struct driver *dr, unsigned back, struct driver_frame *ret)
{
	const struct modbus *m = of_const(dr);
	unsigned kept = m->traced < MODBUS_FRAMES_KEPT ? m->traced : MODBUS_FRAMES_KEPT;
	if (back >= kept)
		return false;
	const struct modbus_trace *t = &m->trace[(m->traced - 1 - back) % MODBUS_FRAMES_KEPT];
	*ret = (struct driver_frame){.sent = t->sent, .mono_ns = t->mono_ns, .bytes = span_of(t->bytes, t->n)};
	return true;
}

/* ---- asking ---- */
static void ask(struct modbus *m, struct driver_now now, struct modbus_batch *b, bool cycle)
{
	m->request = (struct modbus_request){
	        .transaction = ++m->transaction, .unit = m->cfg.unit, .table = b->table, .address = b->start, .quantity = b->quantity};
	modbus_pdu_encode(m->tx, &m->request);
	m->tx_n = MODBUS_REQUEST_SIZE;
	m->tx_sent = 0;
	m->asked = b;
	m->asked_cycle = cycle;
	m->deadline_ns = later(now.mono_ns, m->cfg.timeout_ns);
	if (m->issued < MODBUS_LATE_KEPT)
		m->issued++;
}

static bool has_cycle(const struct modbus *m)
{
	return modbus_config_has_cycle(&m->cfg);
}

/* What is due longest; the cycle first, then by address. NULL: the cycle. */
static int64_t earliest(const struct modbus *m, struct modbus_batch **ret)
{
	int64_t when = has_cycle(m) ? m->cycle.next_ns : INT64_MAX;
	*ret = NULL;
	for (size_t i = 0; i < m->n_batches; i++)
		if (m->batch[i].next_ns < when) {
			when = m->batch[i].next_ns;
			*ret = &m->batch[i];
		}
	return when;
}

/* Sends the next request when one is due, none is outstanding and its values have room. */
static void pump(struct modbus *m, struct driver_now now)
{
	struct modbus_batch *b;
	if (m->state != DRIVER_ONLINE || m->broken || m->asked || !modbus_values_room(m))
		return;
	if (m->cycle.reading) {
		ask(m, now, modbus_cycle_next(&m->cycle, now.node_ns), true);
		return;
	}
	if (earliest(m, &b) > now.node_ns)
		return;
	if (b) {
		b->next_ns = modbus_plan_next(now.node_ns, b->poll_ns);
		ask(m, now, b, false);
		return;
	}
	m->cycle.next_ns = modbus_plan_next(now.node_ns, m->cycle.poll_ns);
	modbus_cycle_begin(&m->cycle);
	ask(m, now, modbus_cycle_next(&m->cycle, now.node_ns), true);
}

/* ---- answers ---- */
/* The poll after a refusal: the period, doubled with each refusal up to a limit. */
static int64_t after_refusal(int64_t t_ns, int64_t poll_ns, unsigned fails)
{
	int64_t most = poll_ns > REFUSED_WAIT_MAX_NS ? poll_ns : REFUSED_WAIT_MAX_NS, wait = poll_ns;
	for (unsigned i = 1; i < fails && wait < most; i++)
		wait = wait * 2 < most ? wait * 2 : most;
	return modbus_plan_next(later(t_ns, wait - poll_ns), poll_ns);
}

static bool split(struct modbus *m, struct modbus_batch *b)
{
	if (m->asked_cycle)
		return modbus_cycle_split(&m->cycle, b);
	struct modbus_batch *rest = &m->batch[m->n_batches];
	if (!modbus_plan_split(b, rest, m->order))
		return false;
	m->n_batches++;
	b->next_ns = rest->next_ns = INT64_MIN;
	b->fails = rest->fails = 0;
	b->exception = rest->exception = 0;
	return true;
}

static void answer_refused(struct modbus *m, struct driver_now now, struct modbus_batch *b, uint8_t exception)
{
	if ((exception == EXCEPTION_ILLEGAL_ADDRESS || exception == EXCEPTION_ILLEGAL_VALUE) && split(m, b)) {
		refresh_trouble(m);
		return;
	}
	if (b->fails < UINT8_MAX)
		b->fails++;
	b->exception = exception;
	b->next_ns = after_refusal(now.node_ns, b->poll_ns, b->fails);
	if (!m->asked_cycle) {
		modbus_values_mark(m, b, DQ_REFUSED, now.node_ns);
	} else if (modbus_cycle_holds_counter(&m->cycle, b)) {
		modbus_cycle_stop(&m->cycle);
		m->cycle.next_ns = b->next_ns;
	}
	refresh_trouble(m);
}

static void answer_values(struct modbus *m, struct driver_now now, struct modbus_batch *b, struct span data)
{
	bool heal = b->exception || m->link_trouble || m->cycle.moving;
	b->fails = b->exception = 0;
	b->next_ns = m->asked_cycle ? INT64_MIN : b->next_ns;
	if (!m->asked_cycle) {
		modbus_values_batch(m, b, data.p, now.node_ns);
	} else {
		uint64_t seq;
		bool gap;
		enum modbus_cycle_step s = modbus_cycle_answer(&m->cycle, b, data, now.node_ns, &seq, &gap);
		if (s == MODBUS_CYCLE_NEW)
			modbus_values_cycle(m, seq, gap, now.node_ns);
		heal |= s == MODBUS_CYCLE_MOVING;
	}
	if (heal)
		refresh_trouble(m);
}

/* The outstanding request came to nothing. Its next poll stands already. */
static void request_failed(struct modbus *m, int64_t t_ns)
{
	if (m->asked && !m->asked_cycle)
		modbus_values_mark(m, m->asked, DQ_NO_ANSWER, t_ns);
	modbus_cycle_stop(&m->cycle);
	m->asked = NULL;
}

static int handle_frame(struct modbus *m, struct driver_now now, struct span frame)
{
	uint16_t transaction = modbus_pdu_transaction(frame), age = (uint16_t)(m->transaction - transaction);
	struct modbus_answer answer;
	keep_frame(m, false, now.mono_ns, frame);
	if (age < m->issued && (age > 0 || !m->asked))
		return 0; /* late, or a second time */
	if (!m->asked || age > 0 || m->tx_sent < m->tx_n)
		return modbus_pdu_bad(&m->trouble, "transaction", transaction, m->transaction, m->transaction);
	int err = modbus_pdu_decode(&answer, frame, &m->request, &m->trouble);
	if (err)
		return err;
	struct modbus_batch *b = m->asked;
	m->asked = NULL;
	m->answered = true;
	m->attempts = m->silences = 0;
	if (answer.exception)
		answer_refused(m, now, b, answer.exception);
	else
		answer_values(m, now, b, answer.data);
	return 0;
}

static int client_input(struct driver *dr, struct driver_now now, struct span bytes, struct diag *d)
{
	struct modbus *m = of(dr);
	int err = 0;
	if (m->state != DRIVER_ONLINE || m->broken)
		return 0;
	while (bytes.n && !err) {
		size_t n = bytes.n < sizeof m->rx - m->rx_n ? bytes.n : sizeof m->rx - m->rx_n, size;
		memcpy(m->rx + m->rx_n, bytes.p, n);
		m->rx_n += n;
		bytes = span_sub(bytes, n, bytes.n);
		while (!err && (err = modbus_pdu_size(&size, span_of(m->rx, m->rx_n), &m->trouble)) == 0) {
			err = handle_frame(m, now, span_of(m->rx, size));
			m->rx_n -= size;
			memmove(m->rx, m->rx + size, m->rx_n);
		}
		if (err == MO_EAGAIN)
			err = 0;
		else if (m->rx_n)
			keep_frame(m, false, now.mono_ns, span_of(m->rx, m->rx_n));
	}
	if (err) {
		request_failed(m, now.node_ns);
		m->broken = m->link_trouble = true;
		return give_trouble(m, d);
	}
	pump(m, now);
	return 0;
}

/* ---- time ---- */
static int silence(struct modbus *m, struct driver_now now, struct diag *d)
{
	bool stuck = m->tx_sent < m->tx_n; /* the stream does not even take twelve bytes */
	request_failed(m, now.node_ns);
	int err = say_link(m, MO_ETIMEOUT, MSG_DRIVER_NO_ANSWER);
	if (!stuck && ++m->silences < SILENCES_MAX)
		return 0;
	m->broken = m->given_up = true;
	(void)give_trouble(m, d);
	return err;
}

static int client_tick(struct driver *dr, struct driver_now now, struct diag *d)
{
	struct modbus *m = of(dr);
	int err = 0;
	if (m->broken)
		return 0;
	switch (m->state) {
	case DRIVER_OFFLINE:
		if (now.mono_ns >= m->retry_ns) {
			set_state(m, DRIVER_CONNECTING);
			m->deadline_ns = later(now.mono_ns, CONNECT_TIMEOUT_NS);
		}
		break;
	case DRIVER_CONNECTING:
		if (now.mono_ns >= m->deadline_ns) {
			(void)say_link(m, MO_ETIMEOUT, MSG_DRIVER_NO_CONNECTION);
			m->broken = true;
			return give_trouble(m, d);
		}
		break;
	default:
		if (m->asked && now.mono_ns >= m->deadline_ns)
			err = silence(m, now, d);
		pump(m, now);
	}
	return err;
}

/* ---- connection ---- */
static void client_connected(struct driver *dr, struct driver_now now)
{
	struct modbus *m = of(dr);
	if (m->state == DRIVER_ONLINE)
		return;
	if (m->state == DRIVER_OFFLINE)
		set_state(m, DRIVER_CONNECTING);
	set_state(m, DRIVER_ONLINE);
	m->broken = m->given_up = m->answered = false;
	m->silences = m->issued = 0;
	m->rx_n = m->tx_n = m->tx_sent = 0;
	for (size_t i = 0; i < m->n_batches; i++) {
		if (m->batch[i].lost)
			m->batch[i].next_ns = INT64_MIN;
		m->batch[i].lost = false;
	}
	if (m->cycle.lost)
		m->cycle.next_ns = INT64_MIN;
	m->cycle.lost = false;
	pump(m, now);
}

/* Nobody answers: all that was due has failed, and everything is read at once when the device is back. */
static void fail_all(struct modbus *m, int64_t t_ns)
{
	for (size_t i = 0; i < m->n_batches; i++) {
		struct modbus_batch *b = &m->batch[i];
		if (b->next_ns <= t_ns)
			b->next_ns = modbus_plan_next(t_ns, b->poll_ns);
		b->lost = true;
		modbus_values_mark(m, b, DQ_NO_ANSWER, t_ns);
	}
	if (has_cycle(m) && m->cycle.next_ns <= t_ns)
		m->cycle.next_ns = modbus_plan_next(t_ns, m->cycle.poll_ns);
	m->cycle.lost = true;
}

/* 0.5 s, doubled with each attempt up to 30 s, less up to a fifth by the device's address: machines that fell silent together
 * (a switch, a power cut) do not come back in step. */
static int64_t retry_delay(const struct modbus *m)
{
	int64_t delay = RETRY_FIRST_NS;
	for (unsigned i = 1; i < m->attempts && delay < RETRY_MAX_NS; i++)
		delay = delay * 2 < RETRY_MAX_NS ? delay * 2 : RETRY_MAX_NS;
	uint64_t mix = (span_hash(span_str(m->cfg.place)) + m->cfg.unit + m->attempts) * UINT64_C(0x9e3779b97f4a7c15);
	return delay - delay / 5 * (int64_t)(mix >> 54) / 1024;
}

static void client_disconnected(struct driver *dr, struct driver_now now)
{
	struct modbus *m = of(dr);
	bool online = m->state == DRIVER_ONLINE, dead = !online || !m->answered || m->given_up;
	if (!m->broken)
		(void)say_link(m, MO_EIO, online ? MSG_DRIVER_CONNECTION_LOST : MSG_DRIVER_NO_CONNECTION);
	if (!dead) {
		/* It was well a moment ago: what was being asked is asked again. */
		if (m->asked && !m->asked_cycle)
			m->asked->next_ns = INT64_MIN;
		if (m->cycle.reading)
			m->cycle.next_ns = INT64_MIN;
	}
	m->asked = NULL;
	modbus_cycle_stop(&m->cycle);
	if (dead)
		fail_all(m, now.node_ns);
	m->broken = m->given_up = false;
	m->rx_n = m->tx_n = m->tx_sent = 0;
	if (m->attempts < UINT16_MAX)
		m->attempts++;
	m->retry_ns = later(now.mono_ns, retry_delay(m));
	if (m->state != DRIVER_OFFLINE)
		set_state(m, DRIVER_OFFLINE);
}

/* ---- questions ---- */
static struct span client_output(struct driver *dr)
{
	struct modbus *m = of(dr);
	if (m->state != DRIVER_ONLINE || m->broken)
		return span_of(m->tx, 0);
	return span_of(m->tx + m->tx_sent, m->tx_n - m->tx_sent);
}

static void client_sent(struct driver *dr, struct driver_now now, size_t n)
{
	struct modbus *m = of(dr);
	size_t left = m->tx_n - m->tx_sent;
	if (n == 0 || left == 0)
		return;
	m->tx_sent += n < left ? n : left;
	if (m->tx_sent == m->tx_n)
		keep_frame(m, true, now.mono_ns, span_of(m->tx, m->tx_n));
}

static bool client_wants_connection(const struct driver *dr, struct driver_now now)
{
	const struct modbus *m = of_const(dr);
	if (m->broken)
		return false;
	return m->state == DRIVER_CONNECTING || (m->state == DRIVER_OFFLINE && now.mono_ns >= m->retry_ns);
}

static struct driver_due client_due(const struct driver *dr)
{
	const struct modbus *m = of_const(dr);
	struct driver_due due = {INT64_MAX, INT64_MAX};
	struct modbus_batch *b;
	if (m->broken)
		return due;
	if (m->state == DRIVER_OFFLINE)
		due.mono_ns = m->retry_ns;
	else if (m->state == DRIVER_CONNECTING || m->asked)
		due.mono_ns = m->deadline_ns;
	else if (modbus_values_room(m)) /* else it is the caller's turn to take values */
		due.node_ns = m->cycle.reading ? INT64_MIN : earliest(m, &b);
	return due;
}

static bool client_next_value(struct driver *dr, struct driver_value *ret)
{
	return modbus_values_take(of(dr), ret);
}

static bool client_settled(const struct driver *dr, struct driver_now now)
{
	const struct modbus *m = of_const(dr);
	struct modbus_batch *b;
	return !m->asked && !m->cycle.reading && earliest(m, &b) > now.node_ns;
}

static enum driver_state client_state(const struct driver *dr)
{
	return of_const(dr)->state;
}
static const struct diag *client_trouble(const struct driver *dr)
{
	return &of_const(dr)->trouble;
}
static const char *client_host(const struct driver *dr)
{
	return of_const(dr)->cfg.host;
}
static uint16_t client_port(const struct driver *dr)
{
	return of_const(dr)->cfg.port;
}

static const struct driver_signal *client_signals(const struct driver *dr, size_t *ret_n)
{
	*ret_n = of_const(dr)->cfg.n_signals;
	return of_const(dr)->cfg.signals;
}

/* ---- life ---- */
static void client_close(struct driver *dr)
{
	if (!dr)
		return;
	struct modbus *m = of(dr);
	arena_free(&m->arena);
	free(m);
}

static int plan(struct modbus *m)
{
	const struct modbus_config *c = &m->cfg;
	m->order = arena_calloc(&m->arena, c->n_clock + 1, sizeof(const struct modbus_item *));
	m->batch = arena_calloc(&m->arena, c->n_clock + 1, sizeof *m->batch);
	if (!m->order || !m->batch)
		return MO_ENOMEM;
	for (size_t i = 0; i < c->n_clock; i++)
		m->order[i] = &c->items[i];
	m->n_batches = modbus_plan(m->batch, m->order, c->n_clock, c->max_registers, c->max_gap);
	return has_cycle(m) ? modbus_cycle_init(
	                              &m->cycle, &m->arena, c->items + c->n_clock, c->n_items - c->n_clock, c->max_registers, c->max_gap)
	                    : 0;
}

static int client_open(struct driver **ret, struct span config_json, struct diag *d)
{
	struct modbus *m = calloc(1, sizeof *m);
	if (!m)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	m->base.ops = &modbus_driver;
	m->retry_ns = INT64_MIN;
	arena_init(&m->arena, 0);
	int err = modbus_config_read(&m->cfg, &m->arena, config_json, d);
	if (!err && ((err = plan(m)) != 0 || (err = modbus_values_init(m)) != 0))
		(void)diag_set(d, err, MSG_OUT_OF_MEMORY);
	if (err)
		client_close(&m->base);
	else
		*ret = &m->base;
	return err;
}

const struct driver_ops modbus_driver = {
        .name = "modbus",
        .open = client_open,
        .close = client_close,
        .connected = client_connected,
        .disconnected = client_disconnected,
        .input = client_input,
        .tick = client_tick,
        .output = client_output,
        .sent = client_sent,
        .wants_connection = client_wants_connection,
        .due = client_due,
        .next_value = client_next_value,
        .settled = client_settled,
        .state = client_state,
        .trouble = client_trouble,
        .signals = client_signals,
        .host = client_host,
        .port = client_port,
        .frame = client_frame,
};
