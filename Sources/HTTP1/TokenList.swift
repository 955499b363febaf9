import Wire

/// The elements of a comma-separated list (RFC 9110 section 5.6.1), without the white space around them; empty ones are passed
/// over. Cost: linear, no copy.
struct TokenList {
    private let text: UnsafeBufferPointer<UInt8>
    private var cursor = 0

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    /// The next element that is not empty. It may hold any byte but a comma.
    mutating func next() -> UnsafeBufferPointer<UInt8>? {
        while cursor < text.count {
            var start = cursor
            while cursor < text.count, text[cursor] != 0x2C { cursor += 1 }
            var end = cursor
            cursor += 1
            while start < end, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
            while end > start, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
            if start < end { return UnsafeBufferPointer(rebasing: text[start..<end]) }
        }
        return nil
    }
}

/// Comparisons without regard to ASCII case.
enum Token {
    /// Whether `text` is `lower`, which is spelled in lower case.
    static func matches(_ text: UnsafeBufferPointer<UInt8>, _ lower: StaticString) -> Bool {
        guard text.count == lower.utf8CodeUnitCount, let start = text.baseAddress else { return false }
        return equalIgnoringCase(start, lower.utf8Start, count: text.count)
    }

    /// Whether two names are the same.
    static func same(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where fold(left[index]) != fold(right[index]) { return false }
        return true
    }

    private static func fold(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
