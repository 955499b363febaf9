import Glibc

/// Reads HTTP/1.1 messages from a socket, as simply as one can: a head as text, a body by its framing.
struct MessageReader {
    let fd: Int32
    private var buffered: [UInt8] = []
    /// Whether the peer closed, a receive failed, or its time was up.
    private(set) var isEnded = false

    init(fd: Int32) { self.fd = fd }

    struct Message: Sendable {
        /// The first line and the fields, without the empty line.
        var head = ""
        var body: [UInt8] = []
        /// Whether the body is as long as its framing says.
        var isWhole = true

        var line: String { String(head.prefix { $0 != "\r\n" }) }
        var text: String { String(decoding: body, as: UTF8.self) }

        /// The first field of this name.
        func field(_ name: String) -> String? { fields(name).first }

        func fields(_ name: String) -> [String] {
            head.split(separator: "\r\n").dropFirst().compactMap { line in
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else {
                    return nil
                }
                return String(line[line.index(after: colon)...].drop { $0 == " " })
            }
        }
    }

    /// The next head with the framing that it tells; nil at the end.
    mutating func head() -> Message? {
        var searched = 0
        while true {
            if let end = find([13, 10, 13, 10], from: searched) {
                let head = String(decoding: buffered[..<end], as: UTF8.self)
                buffered.removeFirst(end + 4)
                return Message(head: head)
            }
            searched = max(buffered.count - 3, 0)
            if !fill() { return nil }
        }
    }

    /// Reads the body of a message. `untilEnd`: without length and coding it goes on until the peer closes.
    mutating func body(of message: inout Message, untilEnd: Bool) {
        if let coding = message.field("transfer-encoding"), coding.lowercased().hasSuffix("chunked") {
            message.isWhole = chunks(into: &message.body)
        } else if let length = message.field("content-length").flatMap({ Int($0) }) {
            message.body = take(length)
            message.isWhole = message.body.count == length
        } else if untilEnd {
            while fill() {}
            message.body = buffered
            buffered = []
        }
    }

    /// Everything until the peer closes or its time is up.
    mutating func rest() -> [UInt8] {
        while fill() {}
        defer { buffered = [] }
        return buffered
    }

    /// Whether the peer closes without another byte.
    mutating func endsHere() -> Bool { buffered.isEmpty && !fill() }

    private mutating func chunks(into body: inout [UInt8]) -> Bool {
        while let line = line() {
            guard let size = Int(line.prefix { $0 != ";" && $0 != " " }, radix: 16) else { return false }
            if size == 0 {
                while let trailer = self.line() { if trailer.isEmpty { return true } }
                return false
            }
            let data = take(size)
            body += data
            guard data.count == size, self.line() == "" else { return false }
        }
        return false
    }

    private mutating func line() -> String? {
        while true {
            if let end = find([13, 10], from: 0) {
                defer { buffered.removeFirst(end + 2) }
                return String(decoding: buffered[..<end], as: UTF8.self)
            }
            if !fill() { return nil }
        }
    }

    private mutating func take(_ count: Int) -> [UInt8] {
        while buffered.count < count, fill() {}
        let taken = Array(buffered.prefix(count))
        buffered.removeFirst(taken.count)
        return taken
    }

    private mutating func fill() -> Bool {
        if isEnded { return false }
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = max(recv(fd, buffer.baseAddress, buffer.count, 0), 0)
        }
        isEnded = bytes.isEmpty
        buffered += bytes
        return !isEnded
    }

    private func find(_ pattern: [UInt8], from start: Int) -> Int? {
        buffered.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let last = pattern.last else { return nil }
            // The last byte of what is sought is a line's end, which is rare.
            var next = start + pattern.count - 1
            while next < bytes.count, let found = memchr(base + next, Int32(last), bytes.count - next) {
                let end = UnsafeRawPointer(found) - base + 1
                if bytes[(end - pattern.count)..<end].elementsEqual(pattern) { return end - pattern.count }
                next = end
            }
            return nil
        }
    }
}
