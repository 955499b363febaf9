// RE2 behind a C interface: patterns are compiled once and shared by all threads; every call is linear in the text.
#ifndef OUTRIDER_CRE2_H
#define OUTRIDER_CRE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A compiled pattern, or the reason why it did not compile.
typedef struct outrider_re2 outrider_re2;

/// Compiles UTF-8 source. `max_mem_bytes` bounds the program and its automata. Never null; ask `outrider_re2_error`.
outrider_re2 *_Nonnull outrider_re2_compile(const char *_Nullable source, size_t length, int64_t max_mem_bytes);

/// Frees a pattern.
void outrider_re2_free(outrider_re2 *_Nonnull pattern);

/// Why the pattern did not compile, as a zero-terminated text that lives as long as the pattern; null if it did.
const char *_Nullable outrider_re2_error(const outrider_re2 *_Nonnull pattern);

/// Whether the whole text matches.
bool outrider_re2_matches_whole(const outrider_re2 *_Nonnull pattern, const char *_Nullable text, size_t length);

/// Whether the pattern matches somewhere in the text.
bool outrider_re2_matches_part(const outrider_re2 *_Nonnull pattern, const char *_Nullable text, size_t length);

/// Whether `rewrite` is legal for this pattern (its `\N` name groups that exist). If not, up to `capacity - 1` bytes of
/// the reason and a zero are put into `error`.
bool outrider_re2_check_rewrite(
    const outrider_re2 *_Nonnull pattern, const char *_Nullable rewrite, size_t rewrite_length, char *_Nonnull error,
    size_t capacity);

/// Replaces every match, left to right. The number of the result's bytes is put into `result_length`. They are valid until this
/// thread's next call.
const char *_Nonnull outrider_re2_replace_all(
    const outrider_re2 *_Nonnull pattern, const char *_Nullable text, size_t length, const char *_Nullable rewrite,
    size_t rewrite_length, size_t *_Nonnull result_length);

#ifdef __cplusplus
}
#endif

#endif
