import Glibc

/// A client whose bytes are exactly what the test says.
final class RawClient {
    /// An answer of the proxy.
    struct Answer: Sendable {
        var message: MessageReader.Message
        var status: Int
        var text: String { message.text }
        /// Whether head and body came whole.
        var isWhole: Bool { message.isWhole }
        func field(_ name: String) -> String? { message.field(name) }
    }

    let fd: Int32
    private var reader: MessageReader

    /// Connects to the loopback.
    init(port: UInt16) throws {
        guard let fd = TestSocket.connect(port: port) else { throw ScenarioError("nobody listens on port \(port)") }
        self.fd = fd
        reader = MessageReader(fd: fd)
    }

    deinit { close(fd) }

    @discardableResult
    func send(_ text: String) -> Bool { TestSocket.send(fd, Array(text.utf8)) }

    /// The next final answer; nil at the end or when its time is up.
    func answer(toHead: Bool = false) -> Answer? {
        while var message = reader.head() {
            let status = Int(message.line.dropFirst(9).prefix(3)) ?? 0
            if (100..<200).contains(status) { continue }
            if !toHead, status != 204, status != 304 { reader.body(of: &message, untilEnd: true) }
            return Answer(message: message, status: status)
        }
        return nil
    }

    /// Sends a request without a body and takes its answer.
    func get(_ target: String, host: String = "shop.example", fields: [String] = [], method: String = "GET") throws
        -> Answer
    {
        let lines = ["\(method) \(target) HTTP/1.1", "Host: \(host)"] + fields
        send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        guard let answer = answer(toHead: method == "HEAD") else { throw ScenarioError("no answer to \(lines[0])") }
        return answer
    }

    /// Whether the peer closes without another byte.
    func endsHere() -> Bool { reader.endsHere() }

    /// What comes until the peer closes or `milliseconds` pass without a byte.
    func rest(milliseconds: Int) -> [UInt8] {
        TestSocket.limit(fd, milliseconds: milliseconds)
        return reader.rest()
    }
}
