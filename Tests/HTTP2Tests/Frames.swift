import HTTP2
import Wire

/// Frames by hand, for what no decent session sends.
enum Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let count = payload.count
        let length = [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
        let number = (0..<4).map { UInt8(truncatingIfNeeded: stream >> (24 - UInt32($0) * 8)) }
        return length + [type, flags] + number + payload
    }

    /// The client's preface and empty SETTINGS.
    static var opening: [UInt8] { preface + frame(4) }

    /// A literal field without indexing and without Huffman's code (RFC 7541 section 6.2.2).
    static func field(_ name: String, _ value: String) -> [UInt8] { field(name, Array(value.utf8)) }

    static func field(_ name: String, _ value: [UInt8]) -> [UInt8] {
        [0] + integer(name.utf8.count) + Array(name.utf8) + integer(value.count) + value
    }

    /// An integer with a prefix of seven bits.
    private static func integer(_ number: Int) -> [UInt8] {
        if number < 127 { return [UInt8(number)] }
        var bytes: [UInt8] = [127]
        var rest = number - 127
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static let getFields: [(String, String)] = [
        (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a.example"),
    ]

    static func block(_ fields: [(String, String)]) -> [UInt8] { fields.flatMap { field($0.0, $0.1) } }

    static func headers(_ stream: UInt32, _ fields: [(String, String)] = getFields, end: Bool = true) -> [UInt8] {
        frame(1, flags: end ? 5 : 4, stream: stream, block(fields))
    }

    static func data(_ stream: UInt32, _ payload: [UInt8], end: Bool = false) -> [UInt8] {
        frame(0, flags: end ? 1 : 0, stream: stream, payload)
    }

    static func reset(_ stream: UInt32, _ code: HTTP2Code = .cancel) -> [UInt8] {
        frame(3, stream: stream, number(code.rawValue))
    }

    static func windowUpdate(_ stream: UInt32, _ count: UInt32) -> [UInt8] { frame(8, stream: stream, number(count)) }

    static func setting(_ id: UInt16, _ value: UInt32) -> [UInt8] { [UInt8(id >> 8), UInt8(id & 255)] + number(value) }

    static func number(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - UInt32($0) * 8)) }
    }

    /// Frames in bytes: type, flags, stream, payload.
    static func parse(_ bytes: [UInt8]) -> [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var frames: [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] = []
        var rest = bytes[...]
        if rest.starts(with: preface) { rest = rest.dropFirst(preface.count) }
        while rest.count >= 9 {
            let header = Array(rest.prefix(9))
            let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
            let stream = header[5...].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
            frames.append((header[3], header[4], stream, Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }
}
