#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <string>

// The C name of a pattern; nothing but RE2's own object stands behind it.
struct outrider_re2 {
    RE2 re2;
    outrider_re2(re2::StringPiece source, const RE2::Options &options) : re2(source, options) {}
};

namespace {

re2::StringPiece piece(const char *text, size_t length) { return re2::StringPiece(text ? text : "", length); }

}  // namespace

extern "C" {

outrider_re2 *outrider_re2_compile(const char *source, size_t length, int64_t max_mem_bytes) {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(max_mem_bytes);
    return new outrider_re2(piece(source, length), options);
}

void outrider_re2_free(outrider_re2 *pattern) { delete pattern; }

const char *outrider_re2_error(const outrider_re2 *pattern) {
    return pattern->re2.ok() ? nullptr : pattern->re2.error().c_str();
}

bool outrider_re2_matches_whole(const outrider_re2 *pattern, const char *text, size_t length) {
    return pattern->re2.ok()
        && pattern->re2.Match(piece(text, length), 0, length, RE2::ANCHOR_BOTH, nullptr, 0);
}

bool outrider_re2_matches_part(const outrider_re2 *pattern, const char *text, size_t length) {
    return pattern->re2.ok()
        && pattern->re2.Match(piece(text, length), 0, length, RE2::UNANCHORED, nullptr, 0);
}

bool outrider_re2_check_rewrite(
    const outrider_re2 *pattern, const char *rewrite, size_t rewrite_length, char *error, size_t capacity) {
    std::string reason;
    if (pattern->re2.CheckRewriteString(piece(rewrite, rewrite_length), &reason)) return true;
    if (capacity > 0) {
        const size_t count = std::min(reason.size(), capacity - 1);
        memcpy(error, reason.data(), count);
        error[count] = 0;
    }
    return false;
}

const char *outrider_re2_replace_all(
    const outrider_re2 *pattern, const char *text, size_t length, const char *rewrite, size_t rewrite_length,
    size_t *result_length) {
    // The result outlives the call, without a copy of its own. RE2 allocates for one of over 15 bytes.
    static thread_local std::string result;
    result.assign(text ? text : "", length);
    if (pattern->re2.ok()) RE2::GlobalReplace(&result, pattern->re2, piece(rewrite, rewrite_length));
    *result_length = result.size();
    return result.data();
}

}  // extern "C"
