import HTTP2
import Wire

/// A session with an owner that writes down what happens.
final class Peer {
    let session: HTTP2Session
    let pools: HTTP2Pools
    var log: [String] = []
    var heads: [UInt32: Head] = [:]
    var trailers: [UInt32: Head] = [:]
    var lengths: [UInt32: UInt64] = [:]
    var bodies: [UInt32: [UInt8]] = [:]
    var consumesAtOnce = true
    var now: UInt64 = 1_000_000

    init(_ role: HTTP2Role, _ settings: HTTP2Settings = HTTP2Settings(), pools: HTTP2Pools? = nil) {
        let pools = pools ?? HTTP2Pools(buffers: BufferPool())
        self.pools = pools
        session = HTTP2Session(role: role, settings: settings, pools: pools, now: now)
    }

    @discardableResult
    func receive(_ bytes: [UInt8]) -> HTTP2Fault? {
        let fault = bytes.withUnsafeBytes { bytes in
            let fault = session.receive(bytes, now: now)
            drain()
            return fault
        }
        return fault
    }

    /// All that the session wants to send.
    func output(room: Int = 1 << 18) -> [UInt8] {
        let buffer = Buffer(capacity: room)
        var all: [UInt8] = []
        var more = true
        while more {
            more = session.write(to: buffer)
            all += Array(buffer.readable)
            buffer.consume(buffer.count)
        }
        drain()
        return all
    }

    func drain() {
        while let event = session.next() { note(event) }
    }

    private func note(_ event: HTTP2Event) {
        switch event {
        case .head(let stream, let end, let length):
            heads[stream] = take()
            lengths[stream] = length
            log.append("head \(stream)\(end ? " end" : "")")
        case .informational(let stream):
            let head = take()
            log.append("informational \(stream) \(head.status)")
        case .data(let stream, let bytes, let end):
            bodies[stream, default: []] += Array(bytes)
            log.append("data \(stream) \(bytes.count)\(end ? " end" : "")")
            if consumesAtOnce { session.consumed(stream, bytes.count) }
        case .trailers(let stream):
            trailers[stream] = take()
            log.append("trailers \(stream)")
        case .end(let stream): log.append("end \(stream)")
        case .reset(let stream, let code): log.append("reset \(stream) \(code.rawValue)")
        case .malformed(let stream): log.append("malformed \(stream)")
        case .headersTooLarge(let stream): log.append("large \(stream)")
        case .drained(let stream): log.append("drained \(stream)")
        case .streamClosed(let stream): log.append("closed \(stream)")
        case .goAway(let last, let code): log.append("goaway \(last) \(code.rawValue)")
        case .settings: log.append("settings")
        case .pong(let payload): log.append("pong \(payload)")
        }
    }

    private func take() -> Head {
        var head = Head()
        session.swapHead(&head)
        return head
    }

    /// What happened to one stream, and the log's rest.
    func events(_ stream: UInt32) -> [String] {
        log.filter { !$0.hasPrefix("go") && $0.split(separator: " ").dropFirst().first == Substring(String(stream)) }
    }
}

/// Moves bytes between two peers until both are silent.
func exchange(_ left: Peer, _ right: Peer, room: Int = 1 << 18) {
    while true {
        let ahead = left.output(room: room)
        if !ahead.isEmpty { right.receive(ahead) }
        let back = right.output(room: room)
        if !back.isEmpty { left.receive(back) }
        if ahead.isEmpty, back.isEmpty { return }
    }
}

/// A client and a server that have exchanged their SETTINGS.
func connected(client: HTTP2Settings = HTTP2Settings(), server: HTTP2Settings = HTTP2Settings()) -> (Peer, Peer) {
    let pair = (Peer(.client, client), Peer(.server, server))
    exchange(pair.0, pair.1)
    return pair
}

func request(_ method: String = "GET", _ path: String = "/", fields: [(String, String)] = []) -> Head {
    let head = Head()
    head.method = Array(method.utf8).withUnsafeBytes { Method($0) }
    head.methodSlice = head.append(method)
    head.path = head.append(path)
    head.authority = head.append("a.example")
    add(fields, to: head)
    return head
}

func response(_ status: UInt16, fields: [(String, String)] = []) -> Head {
    let head = Head()
    head.status = status
    add(fields, to: head)
    return head
}

func add(_ fields: [(String, String)], to head: Head) {
    for (name, value) in fields {
        let id = Array(name.utf8).withUnsafeBufferPointer { FieldNames.identify($0.baseAddress!, count: $0.count) }
        head.appendField(name: head.append(name), value: head.append(value), id: id)
    }
}

func fields(_ head: Head) -> [String] {
    (0..<head.fieldCount).filter { !head.fields[$0].isRemoved }.map {
        "\(head.string(head.fields[$0].name)): \(head.string(head.fields[$0].value))"
    }
}

extension HTTP2Session {
    func send(_ stream: UInt32, _ bytes: [UInt8], end: Bool = false) -> Bool {
        bytes.withUnsafeBytes { submitData(stream, $0, end: end) }
    }
}
