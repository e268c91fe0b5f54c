/* media/opus_line_inner.h
 *
 * What opus_line.c, the line itself, and opus_line_source.c, what comes in for it, share. Nobody else includes it.
 */
#ifndef MEDIA_OPUS_LINE_INNER_H
#define MEDIA_OPUS_LINE_INNER_H

#include "media/opus_line.h"

/* The slot that real time has reached, and not one used before. */
int64_t line_slot_now(const struct opus_line *b, uint64_t now_us);
/* The source is not heard: slots are filled by us, at our pace. */
bool line_replaced(const struct opus_line *b);
/* Where the next samples of the slot go. */
int16_t *line_pcm_end(struct opus_line *b);
/* The slot, the rest of it silence, goes out; the next one is begun. */
void line_finish_slot(struct opus_line *b, uint64_t now_us);
/* Opus of the source, `slots` of them, from b->slot on. */
void line_pass(struct opus_line *b, const uint8_t *payload, size_t length, unsigned slots, uint64_t now_us);
/* A packet in its turn. */
void line_take(void *arg, const struct reorder_packet *p, uint64_t now_us);

#endif
