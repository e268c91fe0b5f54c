/* dialplan/fold.h
 *
 * Inside dialplan: text reduced to what people mean by it. "FALÁR" and "falar", "Straße" and "STRASSE", "ﬁx" and "fix"
 * become the same. For comparing, never for showing.
 */
#ifndef DIALPLAN_FOLD_H
#define DIALPLAN_FOLD_H

/* A message of WhatsApp's is at most 4096 characters; what is beyond is not looked at. */
enum { FOLD_MAX_CHARS = 4096 };

/* Case and diacritics folded, compatibility forms resolved, invisible characters dropped, runs of blanks and line ends
 * made one blank, none at the ends. Bytes that are not UTF-8 become U+FFFD. At most three times
 * FOLD_MAX_CHARS characters come out. Returns 0 or -ENOMEM; *ret_text is the
 * caller's to free(). */
int fold_text(const char *text, char **ret_text);

/* The words of a folded text, one blank before and after each: "call me, now!" -> " call me now ". So a phrase is in a
 * text when its words are a part of the text's words. Letters and digits make words; an emoji, and each character of a
 * script that writes no blanks (Chinese, Japanese, Thai ...), is one by itself. " " when there is none. Returns as
 * fold_text(). */
int fold_words(const char *folded, char **ret_words);

#endif
