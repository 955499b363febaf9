import CRE2

/// A compiled RE2 pattern: linear time whatever the text is, so that neither a peer nor a rule can stall a worker.
///
/// Sendable: RE2 objects are immutable from outside and lock their automata themselves.
package final class Pattern: @unchecked Sendable {
    /// The longest pattern that Istio admits.
    package static let sourceBytesMax = 1024
    /// What one pattern's program and automata may take: RE2's own default, which is Envoy's too.
    package static let memoryBytesMax: Int64 = 8 << 20

    /// The same pattern for records that must not retain: valid while this object lives.
    package let handle: PatternHandle

    /// Compiles `source`. Throws what is wrong with it, in words for a diagnostic.
    package init(_ source: String) throws(PatternError) {
        guard source.utf8.count <= Self.sourceBytesMax else {
            throw PatternError(reason: "the pattern is longer than \(Self.sourceBytesMax) bytes")
        }
        var source = source
        let compiled = source.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                outrider_re2_compile($0.baseAddress, $0.count, Self.memoryBytesMax)
            }
        }
        if let error = outrider_re2_error(compiled) {
            let reason = String(cString: error)
            outrider_re2_free(compiled)
            throw PatternError(reason: reason)
        }
        handle = PatternHandle(pointer: compiled)
    }

    deinit { outrider_re2_free(handle.pointer) }

    /// Whether all of `bytes` match, from the first to the last.
    package func matchesWhole(_ bytes: UnsafeRawBufferPointer) -> Bool { handle.matchesWhole(bytes) }

    /// Whether all of `text` matches. Not for the hot path.
    package func matchesWhole(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matchesWhole(UnsafeRawBufferPointer($0)) }
    }

    /// Whether some part of `bytes` matches.
    package func matchesPart(_ bytes: UnsafeRawBufferPointer) -> Bool {
        outrider_re2_matches_part(handle.pointer, bytes.characters, bytes.count)
    }

    /// What is wrong with a replacement text for this pattern (`\1`… and `\0` stand for groups), or nil.
    package func check(rewrite: String) -> String? {
        var rewrite = rewrite
        return rewrite.withUTF8 { bytes in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { error in
                guard let reason = error.baseAddress else { return nil }
                let bytes = UnsafeRawBufferPointer(bytes)
                let isLegal = outrider_re2_check_rewrite(handle.pointer, bytes.characters, bytes.count, reason, 256)
                return isLegal ? nil : String(cString: reason)
            }
        }
    }
}

/// What is wrong with a pattern.
package struct PatternError: Error, Hashable, Sendable {
    /// RE2's own words.
    package let reason: String
}

/// A pattern as flat records hold it: one pointer, no reference counting. Its `Pattern` must outlive it.
package struct PatternHandle: BitwiseCopyable, @unchecked Sendable {
    let pointer: OpaquePointer

    /// Whether all of `bytes` match, from the first to the last.
    package func matchesWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
        outrider_re2_matches_whole(pointer, bytes.characters, bytes.count)
    }

    /// Replaces every match in `bytes` by `rewrite` and hands the result to `body`, which must not do the same.
    package func replaceAll<R>(
        in bytes: UnsafeRawBufferPointer, with rewrite: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> R
    ) -> R {
        var count = 0
        let result = outrider_re2_replace_all(
            pointer, bytes.characters, bytes.count, rewrite.characters, rewrite.count, &count)
        return body(UnsafeRawBufferPointer(start: result, count: count))
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes as C characters.
    fileprivate var characters: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}
