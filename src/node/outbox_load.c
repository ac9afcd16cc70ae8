/* The sinks as the store holds them: documents, how far each has got, tokens. */
#include <stdlib.h>

#include "node/priv/outbox.h"
#include "os/crypto.h"

void loaded_free(struct loaded *l)
{
	while (l) {
		struct loaded *next = l->next;
		if (l->token)
			crypto_wipe(l->token, strlen(l->token));
		free(l->token);
		free(l);
		l = next;
	}
}

static int load_docs(struct node *n, struct store_reader *r, struct loaded **list, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	const struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_SINK))), sarg_null(), sarg_i(SINKS_MAX)};
	int err = store_select(r, &cur, SQ_DOCS, a, 3, d);
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			struct loaded *l = calloc(1, sizeof *l);
			if (!l) {
				err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
				break;
			}
			l->next = *list;
			*list = l;
			diag_copy(l->name, sizeof l->name, b.cols[0].str[i]);
			l->version = b.cols[1].i64[i];
			l->last_ns = T_NONE;
			l->err = sink_read(&l->cfg, b.cols[2].str[i], false, &l->d);
			if (l->err == 0 && l->cfg.token_file[0] && (l->err = sink_token_get(n->folder, l->cfg.token_file, &l->token, NULL)) == MO_ENOENT)
				diag_set(&l->d, l->err, MSG_SINK_TOKEN_GONE);
			else if (l->err != 0 && l->d.msg == MSG_NONE)
				diag_set(&l->d, l->err, MSG_SINK_TOKEN_GONE);
			if (l->err == MO_ENOMEM)
				err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		}
	table_close(cur);
	return err;
}

static int load_rows(struct node *n, struct store_reader *r, struct loaded *list, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	int err = store_select(r, &cur, SQ_OUTBOX, NULL, 0, d);
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++) {
			struct loaded *l = list;
			while (l && !span_is(b.cols[1].str[i], l->name))
				l = l->next;
			if (!l)
				continue;
			l->row = b.cols[0].i64[i];
			l->ours = span_eq(b.cols[2].str[i], span_of(n->folder->id.b, sizeof n->folder->id.b));
			l->cursor = b.cols[3].i64[i];
			l->sent = b.cols[4].i64[i];
			l->skipped = b.cols[5].i64[i];
			l->gap_from = b.cols[6].null[i] ? 0 : b.cols[6].i64[i];
			l->gap_to = b.cols[7].null[i] ? 0 : b.cols[7].i64[i];
			l->last_ns = b.cols[8].i64[i];
			l->aside = b.cols[9].i64[i];
		}
	table_close(cur);
	return err;
}

int outbox_load(struct node *n, struct store_reader *r, struct loaded **ret, struct diag *d)
{
	struct loaded *list = NULL;
	int err = load_docs(n, r, &list, d);
	if (err == 0 && list)
		err = load_rows(n, r, list, d);
	if (err != 0)
		loaded_free(list);
	else
		*ret = list;
	return err;
}
