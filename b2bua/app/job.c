/* b2bua/app/job.c -- see job.h */
#include "b2bua/app/job.h"

#include "b2bua/app/shell.h"

#include <stdlib.h>
#include <utlist.h>

void *job_new(struct app *app, size_t size, uint64_t key)
{
	struct job *job = calloc(1, size);

	if (!job)
		return NULL;
	job->app = app;
	job->config = config_hold(app->config);
	job->key = key;
	DL_APPEND(app->jobs, job);
	return job;
}

void job_free(struct job *job)
{
	DL_DELETE(job->app->jobs, job);
	if (job->done)
		job->done(job);
	config_free(job->config);
	free(job);
}

void jobs_drop(struct app *app)
{
	while (app->jobs)
		job_free(app->jobs);
}
