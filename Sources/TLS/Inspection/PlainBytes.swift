import Wire

/// Tells HTTP from other protocols by the first bytes of a connection that is not TLS, for ports that take both.
package enum PlainBytes {
    package enum Inspection: Hashable, Sendable {
        /// So far it may be HTTP.
        case needMore
        /// A method, a space and the start of a target.
        case http1
        /// All of the preface (RFC 9113 section 3.4).
        case http2Preface
        case other
    }

    private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// Looks at as many bytes as there are. Total, linear, no allocation; it answers `needMore` to few bytes only:
    /// empty lines (`Limits.leadingEmptyLinesMax`), a method (`Limits.detectedMethodBytesMax`), and `https://`.
    package static func inspect(_ bytes: UnsafeRawBufferPointer) -> Inspection {
        let preface = UnsafeRawBufferPointer(start: preface.utf8Start, count: preface.utf8CodeUnitCount)
        if bytes.count >= preface.count {
            if bytes.prefix(preface.count).elementsEqual(preface) { return .http2Preface }
        } else if preface.starts(with: bytes) {
            return .needMore
        }
        return requestLine(UnsafeRawBufferPointer(rebasing: bytes[emptyLinesEnd(bytes)...]))
    }

    /// Lenient servers pass over empty lines before a request (RFC 9112 section 2.2).
    private static func emptyLinesEnd(_ bytes: UnsafeRawBufferPointer) -> Int {
        var position = 0
        for _ in 0..<Limits.leadingEmptyLinesMax {
            var next = position
            if next < bytes.count, bytes[next] == 0x0D { next += 1 }
            // A lone CR at the end of what there is may become a line.
            if next > position, next == bytes.count { return next }
            guard next < bytes.count, bytes[next] == 0x0A else { break }
            position = next + 1
        }
        return position
    }

    private static func requestLine(_ bytes: UnsafeRawBufferPointer) -> Inspection {
        let limit = min(bytes.count, Limits.detectedMethodBytesMax + 1)
        let classes = ByteClass.table
        guard let space = bytes[..<limit].firstIndex(where: { classes[Int($0)] & ByteClass.token == 0 }) else {
            return bytes.count > Limits.detectedMethodBytesMax ? .other : .needMore
        }
        guard space > 0, bytes[space] == 0x20 else { return .other }
        let target = UnsafeRawBufferPointer(rebasing: bytes[(space + 1)...])
        guard let first = target.first else { return .needMore }
        if first == UInt8(ascii: "/") { return .http1 }
        let method = bytes[..<space]
        if method.elementsEqual("CONNECT".utf8) { return first > 0x20 && first != 0x7F ? .http1 : .other }
        if method.elementsEqual("OPTIONS".utf8), first == UInt8(ascii: "*") {
            return target.count < 2 ? .needMore : target[1] == 0x20 ? .http1 : .other
        }
        let asHTTP = starts(target, "http://")
        return asHTTP == .other ? starts(target, "https://") : asHTTP
    }

    /// An absolute target, whatever its case.
    private static func starts(_ target: UnsafeRawBufferPointer, _ scheme: StaticString) -> Inspection {
        let scheme = UnsafeRawBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount)
        for (byte, expected) in zip(target, scheme) where byte.lowercasedASCII != expected { return .other }
        return target.count >= scheme.count ? .http1 : .needMore
    }
}
