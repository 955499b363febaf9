import Wire

/// The records at the start of a connection, joined to its first handshake message (RFC 8446 sections 4 and 5.1).
struct HandshakeRecords {
    enum Message {
        case needMore, notTLS, malformed
        /// The message's body, without its header of four bytes.
        case inPlace(Range<Int>)
        case joined([UInt8])
    }

    private static let headerBytes = 5
    private static let recordBytesMax = 1 << 14

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The body of the hello, or what hinders it. A hello is refused as soon as a byte is wrong.
    mutating func message() -> Message {
        guard startsAsTLS else { return .notTLS }
        var joined: [UInt8] = []
        var length: Int?
        while true {
            guard bytes.count - position >= Self.headerBytes else {
                return startsAsHandshake(at: position) ? .needMore : .malformed
            }
            guard startsAsHandshake(at: position) else { return .malformed }
            let count = Int(bytes[position + 3]) << 8 | Int(bytes[position + 4])
            guard count > 0, count <= Self.recordBytesMax else { return .malformed }
            let start = position + Self.headerBytes
            let here = min(count, bytes.count - start)
            // The common case: all of it lies in one record.
            if joined.isEmpty, here >= 4 {
                guard let total = Self.helloLength(bytes[start..<start + 4]) else { return .malformed }
                if 4 + total <= here { return .inPlace(start + 4..<start + 4 + total) }
            }
            joined += bytes[start..<start + here]
            if let first = joined.first, first != 1 { return .malformed }
            if length == nil, joined.count >= 4 {
                guard let total = Self.helloLength(joined[..<4]) else { return .malformed }
                length = total
            }
            if let length, joined.count >= 4 + length { return .joined(Array(joined[4..<4 + length])) }
            guard here == count else { return .needMore }
            guard position + Self.headerBytes + count < 2 * Limits.clientHelloBytesMax else { return .malformed }
            position += Self.headerBytes + count
        }
    }

    /// A record of a handshake, of any SSL 3 or TLS version.
    private var startsAsTLS: Bool {
        (bytes.count < 1 || bytes[0] == 22) && (bytes.count < 2 || bytes[1] == 3)
    }

    private func startsAsHandshake(at position: Int) -> Bool {
        (bytes.count <= position || bytes[position] == 22) && (bytes.count <= position + 1 || bytes[position + 1] == 3)
    }

    /// The length of a hello by its header; nil when it is another message or too long.
    private static func helloLength<C: Collection>(_ header: C) -> Int? where C.Element == UInt8 {
        guard header.first == 1 else { return nil }
        let length = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
        return length <= Limits.clientHelloBytesMax ? length : nil
    }
}
