import Wire

/// Cleans a request's path before anything reads it, as Envoy does under Istio's settings of `pathNormalization`. What
/// results is matched and forwarded. It is never longer than what came, so it is edited in place.
package enum PathNormalizer {
    /// Cleans `head.path`. False when the path holds an escaped NUL: the request is to be answered with 400, and the
    /// path is in no particular state. A clean path costs one scan and no write.
    package static func normalize(_ head: Head, mode: PathNormalization) -> Bool {
        var path = UnsafeMutableRawBufferPointer(start: head.storage + head.path.start, count: head.path.count)
        guard let findings = scan(UnsafeRawBufferPointer(path), mode) else { return true }
        // A fragment is no part of a request target; it is cut, silently.
        if findings.fragment < path.count {
            path = UnsafeMutableRawBufferPointer(rebasing: path[..<findings.fragment])
        }
        var end = min(findings.query, path.count)
        let queryCount = path.count - end
        let queryStart = end
        if mode != .none, findings.isDirty, end > 0, path[0] == UInt8(ascii: "/") {
            if mode == .decodeAndMergeSlashes { end = unescapeSlashes(path, count: end) }
            guard let count = unescapeDots(path, count: end) else { return false }
            end = resolveDots(path, count: count)
            if mode != .base { end = mergeSlashes(path, count: end) }
        }
        if end < queryStart, queryCount > 0, let base = path.baseAddress {
            (base + end).copyMemory(from: base + queryStart, byteCount: queryCount)
        }
        head.path = Slice(offset: head.path.start, length: end + queryCount)
        return true
    }

    // MARK: - Scan

    private struct Findings {
        /// Where the query (its `?`) and the fragment (its `#`) begin; the path's length without one.
        var query: Int
        var fragment: Int
        /// Whether some step may change the part before the query.
        var isDirty: Bool
    }

    /// Looks for work; nil if there is none.
    private static func scan(_ path: UnsafeRawBufferPointer, _ mode: PathNormalization) -> Findings? {
        var findings = Findings(query: path.count, fragment: path.count, isDirty: false)
        let merges = mode == .mergeSlashes || mode == .decodeAndMergeSlashes
        var previous: UInt8 = 0
        var index = 0
        while index < path.count {
            let byte = path[index]
            switch byte {
            case UInt8(ascii: "?") where findings.query == path.count: findings.query = index
            case UInt8(ascii: "#"):
                findings.fragment = index
                return findings
            case UInt8(ascii: "%"), UInt8(ascii: "\\"):
                if findings.query == path.count { findings.isDirty = true }
            case UInt8(ascii: "."):
                if previous == UInt8(ascii: "/"), findings.query == path.count { findings.isDirty = true }
            case UInt8(ascii: "/"):
                if merges, previous == UInt8(ascii: "/"), findings.query == path.count { findings.isDirty = true }
            default: break
            }
            previous = byte
            index += 1
        }
        return findings.isDirty ? findings : nil
    }

    // MARK: - Steps

    /// `%2F` becomes `/` and `%5C` becomes `\`. Returns the new length.
    private static func unescapeSlashes(_ path: UnsafeMutableRawBufferPointer, count: Int) -> Int {
        var read = 0
        var written = 0
        while read < count {
            var byte = path[read]
            read += 1
            if byte == UInt8(ascii: "%"), let escaped = escapedByte(path, at: read, count: count),
                escaped == UInt8(ascii: "/") || escaped == UInt8(ascii: "\\")
            {
                byte = escaped
                read += 2
            }
            path[written] = byte
            written += 1
        }
        return written
    }

    /// Backslashes become slashes and `%2E` a dot; other escapes stay. Returns the new length; nil for an escaped NUL.
    private static func unescapeDots(_ path: UnsafeMutableRawBufferPointer, count: Int) -> Int? {
        var read = 0
        var written = 0
        while read < count {
            var byte = path[read]
            read += 1
            if byte == UInt8(ascii: "\\") {
                byte = UInt8(ascii: "/")
            } else if byte == UInt8(ascii: "%"), let escaped = escapedByte(path, at: read, count: count) {
                if escaped == 0 { return nil }
                if escaped == UInt8(ascii: ".") {
                    byte = escaped
                    read += 2
                }
            }
            path[written] = byte
            written += 1
        }
        return written
    }

    /// Resolves dot segments (RFC 3986 section 5.2.4) of a path that begins with a slash. Returns the new length.
    private static func resolveDots(_ path: UnsafeMutableRawBufferPointer, count: Int) -> Int {
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        var read = 0
        var written = 0
        while read < count {
            // One segment with the slash before it.
            var end = read + 1
            while end < count, path[end] != slash { end += 1 }
            let isCurrent = end - read == 2 && path[read + 1] == dot
            let isParent = end - read == 3 && path[read + 1] == dot && path[read + 2] == dot
            if isParent {
                while written > 0 {
                    written -= 1
                    if path[written] == slash { break }
                }
            }
            if !isCurrent, !isParent {
                while read < end {
                    path[written] = path[read]
                    written += 1
                    read += 1
                }
            } else if end == count {
                path[written] = slash
                written += 1
            }
            read = end
        }
        return written
    }

    /// A run of slashes becomes one. Returns the new length.
    private static func mergeSlashes(_ path: UnsafeMutableRawBufferPointer, count: Int) -> Int {
        var written = 0
        var read = 0
        while read < count {
            let byte = path[read]
            read += 1
            if byte == UInt8(ascii: "/"), written > 0, path[written - 1] == byte { continue }
            path[written] = byte
            written += 1
        }
        return written
    }

    /// The byte that two hexadecimal digits at `position` spell.
    private static func escapedByte(_ path: UnsafeMutableRawBufferPointer, at position: Int, count: Int) -> UInt8? {
        guard position + 1 < count, let high = digit(path[position]), let low = digit(path[position + 1]) else {
            return nil
        }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
