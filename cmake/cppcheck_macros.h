/* cmake/cppcheck_macros.h: uthash's loops, told to cppcheck (scripts/check-static), which does not read system headers.
 * Not part of any build. */
#define HASH_ITER(hh, head, el, tmp)      for ((el) = (head), (tmp) = (head); (el); (el) = (tmp))
#define DL_FOREACH_SAFE(head, el, tmp)    for ((el) = (head), (tmp) = (head); (el); (el) = (tmp))
#define LL_FOREACH_SAFE(head, el, tmp)    for ((el) = (head), (tmp) = (head); (el); (el) = (tmp))
#define DL_FOREACH(head, el)              for ((el) = (head); (el); (el) = (el)->next)
#define LL_FOREACH(head, el)              for ((el) = (head); (el); (el) = (el)->next)
#define HASH_FIND(hh, head, key, len, el) ((el) = (head))
