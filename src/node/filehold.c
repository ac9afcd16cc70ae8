/* See filehold.h. */
#include "node/filehold.h"

void filehold_init(struct filehold *h)
{
	*h = (struct filehold){.holders = 0};
	pthread_mutex_init(&h->mu, NULL);
	pthread_cond_init(&h->cond, NULL);
}

void filehold_destroy(struct filehold *h)
{
	pthread_cond_destroy(&h->cond);
	pthread_mutex_destroy(&h->mu);
}

void filehold_take(struct filehold *h)
{
	pthread_mutex_lock(&h->mu);
	while (h->sweeping)
		pthread_cond_wait(&h->cond, &h->mu);
	h->holders++;
	pthread_mutex_unlock(&h->mu);
}

void filehold_give(struct filehold *h)
{
	pthread_mutex_lock(&h->mu);
	h->holders--;
	pthread_mutex_unlock(&h->mu);
}

int filehold_sweep_begin(struct filehold *h)
{
	pthread_mutex_lock(&h->mu);
	bool busy = h->holders > 0 || h->sweeping;
	h->sweeping |= !busy;
	pthread_mutex_unlock(&h->mu);
	return busy ? MO_EBUSY : 0;
}

void filehold_sweep_end(struct filehold *h)
{
	pthread_mutex_lock(&h->mu);
	h->sweeping = false;
	pthread_cond_broadcast(&h->cond);
	pthread_mutex_unlock(&h->mu);
}
