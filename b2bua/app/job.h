/* b2bua/app/job.h
 *
 * A request to somebody outside (Meta, the store, an HTTP service) that is under way, and what shall be done with its
 * answer. Jobs outlive the calls they were made for: they name a call by key. Those still under way when the program
 * ends are freed with everything they hold.
 */
#ifndef B2BUA_APP_JOB_H
#define B2BUA_APP_JOB_H

#include <stddef.h>
#include <stdint.h>

struct app;
struct config;
struct job {
	struct app *app;
	struct config *config;         /* held: numbers and gateways of it live as long as the job */
	uint64_t key;                  /* of the call it is for; 0 none */
	void (*done)(struct job *job); /* frees what it holds, not itself; NULL: nothing held */
	struct job *prev, *next;
};

/* Zeroed, of `size` bytes, which begin with a struct job. NULL: out of memory. */
void *job_new(struct app *app, size_t size, uint64_t key);
void job_free(struct job *job); /* calls done */
void jobs_drop(struct app *app);

#endif
