import Glibc
import HTTP1
import Wire

/// A blocking HTTP/1.1 connection: whole messages in, whole messages out, parsed by the proxy's own codec. For sample services
/// and the demo's own client; one thread uses it.
final class Connection {
    private let socket: Socket
    /// Bytes received and not used yet.
    private var received: [UInt8] = []
    private let head = Head()

    /// A body beyond this is refused: the sample services exchange a few hundred bytes.
    static let bodyBytesMax = 8 * 1024 * 1024

    init(_ socket: Socket) { self.socket = socket }

    // MARK: - Server's side

    /// The next request and whether the client lets the connection live on; nil when it closed between two requests.
    func readRequest() throws -> (request: Request, persists: Bool)? {
        while true {
            let result = received.withUnsafeBytes { RequestHead.parse($0, into: head) }
            switch result {
            case .complete(let consumed, let framing, let persists):
                received.removeFirst(consumed)
                let request = requestFromHead()
                if request.value("expect")?.lowercased() == "100-continue" {
                    try socket.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
                }
                _ = try readBody(framing)
                return (request, persists)
            case .failure(let fault):
                throw DemoError("The request's head is broken: \(fault.reason).")
            case .partial:
                if try !receive() {
                    if received.isEmpty { return nil }
                    throw DemoError("The client closed in the middle of a head.")
                }
            }
        }
    }

    /// Sends an answer with its length.
    func send(_ response: Response, to method: String, persists: Bool) throws {
        var bytes = Array(
            """
            HTTP/1.1 \(response.status) \(StatusReason.of(response.status))\r
            content-type: \(response.contentType)\r
            content-length: \(response.body.count)\r
            \(persists ? "" : "connection: close\r\n")\r

            """.utf8)
        if method != "HEAD" { bytes += response.body }
        try socket.send(bytes)
    }

    // MARK: - Client's side

    /// Sends a request's bytes and reads the answer. `persists` says whether the connection may carry another request.
    /// `answerBegan` is set as soon as a byte of the answer arrived: from then on a request must not be sent again.
    func exchange(_ bytes: [UInt8], method: Method, answerBegan: inout Bool) throws -> (Response, persists: Bool) {
        try socket.send(bytes)
        while true {
            if !received.isEmpty { answerBegan = true }
            let result = received.withUnsafeBytes { ResponseHead.parse($0, answering: method, into: head) }
            switch result {
            case .complete(let consumed, let framing, let persists):
                received.removeFirst(consumed)
                if head.status < 200 { continue }
                let status = Int(head.status)
                let contentType = head.value(of: .contentType).map(head.string) ?? ""
                let body = try readBody(framing)
                return (Response(status: status, contentType: contentType, body: body), persists)
            case .failure(let fault):
                throw DemoError("The answer's head is broken: \(fault.reason).")
            case .partial:
                if try !receive() { throw DemoError("The server closed before its answer.") }
            }
        }
    }

    // MARK: - Both

    private func requestFromHead() -> Request {
        let target = head.string(head.path)
        let mark = target.firstIndex(of: "?")
        var fields: [(name: String, value: String)] = []
        for index in 0..<head.fieldCount where !head.fields[index].isRemoved {
            fields.append((head.string(head.fields[index].name).lowercased(), head.string(head.fields[index].value)))
        }
        return Request(
            method: head.string(head.methodSlice), path: String(target[..<(mark ?? target.endIndex)]),
            query: mark.map { String(target[target.index(after: $0)...]) } ?? "", fields: fields)
    }

    private func readBody(_ framing: BodyFraming) throws -> [UInt8] {
        switch framing {
        case .none: return []
        case .length(let length):
            guard length <= UInt64(Self.bodyBytesMax) else { throw DemoError("The body is larger than 8 MiB.") }
            while received.count < Int(length) {
                if try !receive() { throw DemoError("The peer closed in the middle of a body.") }
            }
            defer { received.removeFirst(Int(length)) }
            return Array(received[..<Int(length)])
        case .untilClose:
            while received.count <= Self.bodyBytesMax, try receive() {}
            defer { received.removeAll() }
            return received
        case .chunked:
            return try readChunks()
        }
    }

    /// False when the peer closed.
    private func receive() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        let count = try socket.receive(into: &chunk)
        received += chunk[..<count]
        return count > 0
    }

    private func readChunks() throws -> [UInt8] {
        var reader = ChunkedReader()
        var body: [UInt8] = []
        let trailers = Head()
        while true {
            let step = received.withUnsafeBytes { bytes -> ChunkedReader.Step in
                let step = reader.next(bytes, trailers: trailers)
                if case .data(let range, _) = step { body.append(contentsOf: bytes[range]) }
                return step
            }
            guard body.count <= Self.bodyBytesMax else { throw DemoError("The body is larger than 8 MiB.") }
            switch step {
            case .data(_, let consumed): received.removeFirst(consumed)
            case .end(let consumed):
                received.removeFirst(consumed)
                return body
            case .needMore(let consumed):
                received.removeFirst(consumed)
                if try !receive() { throw DemoError("The peer closed in the middle of a body.") }
            case .failure(let fault): throw DemoError("The body is broken: \(fault).")
            }
        }
    }
}
