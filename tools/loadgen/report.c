/* tools/loadgen/report.c -- see report.h */
#include "tools/loadgen/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

enum { FDS_SPARE = 4 }; /* connections that watrunk keeps warm may come and go */

double report_cpu_us(uint64_t cpu_us, const struct load_result *res)
{
	double frames = res->live_mean * res->window_s * 50;
	return frames > 0 ? (double)cpu_us / frames : NAN;
}

/* What one window's ends cut off and the other's add is even in the mean: more heard than sent is no loss. */
double report_loss_percent(const struct load_loss *loss)
{
	if (!loss->sent)
		return NAN;
	return loss->heard >= loss->sent ? 0 : 100.0 * (double)(loss->sent - loss->heard) / (double)loss->sent;
}

/* Without a limit nothing is judged: of the shortest calls there is nothing to count. */
static bool too_much(const struct load_loss *loss, double limit_percent)
{
	return limit_percent < 100 && !(report_loss_percent(loss) <= limit_percent);
}

const char *report_fault(const struct load_result *res, const struct report_limits *limits)
{
	if (*res->failure)
		return res->failure;
	if (res->failed > limits->failed)
		return "too many calls failed";
	if (res->violations > limits->violations)
		return "violations: watrunk did what Meta would not stand";
	if (too_much(&res->to_agent, limits->loss_percent) || too_much(&res->to_user, limits->loss_percent))
		return "too much loss";
	if (res->misheard)
		return "what was heard is not what was said";
	if (res->pool_empty)
		return "a media worker's packet pool ran empty";
	if (!res->drained)
		return "sessions, legs or ports were left after the last call";
	if (res->fds_after > res->fds_before + FDS_SPARE)
		return "descriptors were left after the last call";
	return NULL;
}

static double rss_slope_kb(const struct load_result *res)
{
	if (res->live_full <= res->live_low || !res->rss_low_kb)
		return NAN;
	return ((double)res->rss_full_kb - (double)res->rss_low_kb) / (res->live_full - res->live_low);
}

/* ---- for people ---- */

static void print_samples(const char *name, struct samples *s)
{
	if (s->count)
		printf("  %-38s %8.2f %8.2f %8.2f %8.2f   (%zu)\n", name, samples_quantile(s, 0.5),
			samples_quantile(s, 0.95), samples_quantile(s, 0.99), samples_quantile(s, 1), s->count);
}

static void print_loss(const char *name, const struct load_loss *loss)
{
	printf("  %-24s %" PRIu64 " sent, %" PRIu64 " heard, loss %.3f %%, %" PRIu64 " missing by sequence number\n",
		name, loss->sent, loss->heard, report_loss_percent(loss), loss->gaps);
}

static void print_likeness(const char *name, struct samples *s)
{
	if (s->count)
		printf("  %-24s heard is like said by %.2f at least, in %zu calls\n", name, samples_quantile(s, 0),
			s->count);
}

static void print_process(const struct load_result *res)
{
	printf("\nprocessor time, us per call per 20 ms (%.1f calls, %.1f s)\n"
	       "  whole process %.1f = media %.1f + control %.1f + other %.1f; that is %.1f %% of one core\n"
	       "  the load generator itself: %.1f, %.1f %% of one core\n",
		res->live_mean, res->window_s, report_cpu_us(res->cpu.total_us, res),
		report_cpu_us(res->cpu.media_us, res), report_cpu_us(res->cpu.control_us, res),
		report_cpu_us(res->cpu.other_us, res), (double)res->cpu.total_us / res->window_s / 1e4,
		report_cpu_us(res->own_cpu.total_us, res), (double)res->own_cpu.total_us / res->window_s / 1e4);
	printf("memory, KB resident\n  idle %" PRIu64 ", with %u calls %" PRIu64 ", with %u calls %" PRIu64
	       ", at the end of the window %" PRIu64,
		res->rss_idle_kb, res->live_low, res->rss_low_kb, res->live_full, res->rss_full_kb, res->rss_end_kb);
	if (!isnan(rss_slope_kb(res)))
		printf("; %.1f a call", rss_slope_kb(res));
	printf("\ndescriptors: %u before, %u during, %u after\n", res->fds_before, res->fds_full, res->fds_after);
}

static void print_after(const struct load_result *res)
{
	printf("after the run: %s after %" PRIu64 " ms; ", res->drained ? "nothing left" : "NOT EMPTY", res->drain_ms);
	if (!res->drained)
		printf("calls %" PRId64 ", sessions %" PRId64 ", ports %" PRId64 ", legs %" PRId64 "; ",
			(int64_t)res->gauge_calls, (int64_t)res->gauge_sessions, (int64_t)res->gauge_ports,
			(int64_t)res->gauge_legs);
	printf("longest callback %.1f ms, %" PRIu64 " over 5 ms; sends refused %" PRIu64 ", pool empty %" PRIu64
	       ", media events lost %" PRIu64 "\n",
		(double)res->longest_callback_us / 1000, res->slow_callbacks, res->send_failed, res->pool_empty,
		res->events_lost);
}

void report_print(struct load_result *res, const char *fault)
{
	printf("calls: %u, failed %u, most at once %u, violations %u\n", res->calls, res->failed, res->live_most,
		res->violations);
	if (*res->first_failure)
		printf("  first failure: %s\n", res->first_failure);
	if (*res->first_violation)
		printf("  first violation: %s\n", res->first_violation);
	printf("\nset-up, ms                                      p50      p95      p99      max\n");
	print_samples("webhook POST -> INVITE received", &res->webhook_to_invite);
	print_samples("SIP 200 sent -> accept received", &res->ok_to_accept);
	print_samples("webhook POST -> agent hears", &res->webhook_to_audio_agent);
	print_samples("webhook POST -> user hears", &res->webhook_to_audio_user);
	print_samples("watrunk's own: webhook -> INVITE", &res->own_invite);
	print_samples("watrunk's own: SIP 200 -> accept", &res->own_accept);
	printf("delay, ms\n");
	print_samples("user -> agent (Opus -> PCMU)", &res->delay_to_agent);
	print_samples("  of it jitter buffer, mean of a call", &res->hold);
	print_samples("agent -> user (PCMU -> Opus)", &res->delay_to_user);
	if (res->delay_missed)
		printf("  %u bursts were sent and not heard\n", res->delay_missed);
	printf("\npackets\n");
	print_loss("user -> agent", &res->to_agent);
	print_loss("agent -> user", &res->to_user);
	print_samples("concealed, ms a call", &res->wa_concealed);
	print_likeness("user -> agent", &res->like_to_agent);
	print_likeness("agent -> user", &res->like_to_user);
	print_process(res);
	print_after(res);
	if (fault)
		printf("\nNOT GOOD: %s\n", fault);
	else
		printf("\ngood\n");
}

/* ---- for programs ---- */

static json_t *real(double v)
{
	return isnan(v) ? json_null() : json_real(round(v * 1000) / 1000);
}

static json_t *samples_json(struct samples *s)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)s->count, "p50",
		real(samples_quantile(s, 0.5)), "p95", real(samples_quantile(s, 0.95)), "p99",
		real(samples_quantile(s, 0.99)), "max", real(samples_quantile(s, 1)));
}

static json_t *likeness_json(struct samples *s)
{
	return json_pack("{s:I, s:o, s:o}", "calls", (json_int_t)s->count, "least", real(samples_quantile(s, 0)), "p50",
		real(samples_quantile(s, 0.5)));
}

static json_t *loss_json(const struct load_loss *loss)
{
	return json_pack("{s:I, s:I, s:o, s:I}", "sent", (json_int_t)loss->sent, "heard", (json_int_t)loss->heard,
		"loss_percent", real(report_loss_percent(loss)), "gaps", (json_int_t)loss->gaps);
}

static json_t *cpu_json(const struct load_result *res)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "total", real(report_cpu_us(res->cpu.total_us, res)), "media",
		real(report_cpu_us(res->cpu.media_us, res)), "control", real(report_cpu_us(res->cpu.control_us, res)),
		"other", real(report_cpu_us(res->cpu.other_us, res)), "loadgen",
		real(report_cpu_us(res->own_cpu.total_us, res)));
}

static json_t *memory_json(const struct load_result *res)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:i, s:i, s:o}", "idle_kb", (json_int_t)res->rss_idle_kb, "low_kb",
		(json_int_t)res->rss_low_kb, "full_kb", (json_int_t)res->rss_full_kb, "end_kb",
		(json_int_t)res->rss_end_kb, "low_calls", (int)res->live_low, "full_calls", (int)res->live_full,
		"slope_kb_per_call", real(rss_slope_kb(res)));
}

static json_t *after_json(const struct load_result *res)
{
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "drained", res->drained, "drain_ms",
		(json_int_t)res->drain_ms, "calls", (json_int_t)res->gauge_calls, "media_sessions",
		(json_int_t)res->gauge_sessions, "media_ports", (json_int_t)res->gauge_ports, "sip_legs",
		(json_int_t)res->gauge_legs, "loop_slow_callbacks", (json_int_t)res->slow_callbacks,
		"longest_callback_us", (json_int_t)res->longest_callback_us, "media_send_failed",
		(json_int_t)res->send_failed, "media_pool_empty", (json_int_t)res->pool_empty, "media_events_lost",
		(json_int_t)res->events_lost);
}

void report_print_json(struct load_result *res, const char *fault)
{
	json_t *setup = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "webhook_to_invite",
		samples_json(&res->webhook_to_invite), "sip_200_to_accept", samples_json(&res->ok_to_accept),
		"webhook_to_agent_hears", samples_json(&res->webhook_to_audio_agent), "webhook_to_user_hears",
		samples_json(&res->webhook_to_audio_user), "own_webhook_to_invite", samples_json(&res->own_invite),
		"own_sip_200_to_accept", samples_json(&res->own_accept));
	json_t *delay = json_pack("{s:o, s:o, s:o, s:i}", "user_to_agent", samples_json(&res->delay_to_agent),
		"jitter_buffer", samples_json(&res->hold), "agent_to_user", samples_json(&res->delay_to_user), "missed",
		(int)res->delay_missed);
	json_t *top = json_pack("{s:b, s:s?, s:{s:i, s:i, s:i, s:i}, s:o, s:o, s:{s:o, s:o}, s:{s:i, s:o, s:o}, s:o, "
				"s:o, s:o, s:o, s:o}",
		"ok", fault == NULL, "fault", fault, "calls", "done", (int)res->calls, "failed", (int)res->failed,
		"most_at_once", (int)res->live_most, "violations", (int)res->violations, "setup_ms", setup, "delay_ms",
		delay, "packets", "user_to_agent", loss_json(&res->to_agent), "agent_to_user", loss_json(&res->to_user),
		"likeness", "misheard", (int)res->misheard, "user_to_agent", likeness_json(&res->like_to_agent),
		"agent_to_user", likeness_json(&res->like_to_user), "cpu_us_per_call_per_20ms", cpu_json(res), "memory",
		memory_json(res), "descriptors",
		json_pack("{s:i, s:i, s:i}", "before", (int)res->fds_before, "during", (int)res->fds_full, "after",
			(int)res->fds_after),
		"after", after_json(res), "window",
		json_pack("{s:o, s:o, s:i}", "seconds", real(res->window_s), "calls_mean", real(res->live_mean),
			"calls_begun", (int)res->window_started));

	if (*res->first_failure)
		json_object_set_new(top, "first_failure", json_string(res->first_failure));
	if (*res->first_violation)
		json_object_set_new(top, "first_violation", json_string(res->first_violation));
	json_dumpf(top, stdout, JSON_INDENT(1));
	printf("\n");
	json_decref(top);
}
