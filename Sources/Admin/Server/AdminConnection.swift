import HTTP1
import Loop
import Wire

/// One client of admin: a request is read whole, answered, and only then is the next one looked at.
final class AdminConnection: EventHandler {
    private enum State {
        /// A head is read.
        case head
        /// So many bytes of a body are read and dropped, then this is answered.
        case body(left: UInt64, AdminRequest)
        case answer
        /// The answer is out and the connection is to end: what the peer still sends is dropped, so that no reset eats it.
        case linger
        case closed
    }

    private unowned let server: AdminServer
    private let head = Head()
    private var state = State.head
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var sent = 0
    private var pieces: (() -> [UInt8]?)?
    private var isChunked = false
    private var persists = true
    private var minorVersion: UInt8 = 1
    private var isHEAD = false
    private var hasEnded = false

    init(server: AdminServer) { self.server = server }

    /// Starts the clock of the first head.
    func begin() { server.loop.arm(self, deadline: server.loop.now + AdminServer.headTimeoutMilliseconds) }

    override func onEvents(_ events: Events) { advance() }

    /// A peer that keeps us waiting is let go.
    override func onDeadline() { close() }

    func close() {
        if case .closed = state { return }
        state = .closed
        pieces = nil
        server.loop.deregister(self, willClose: true)
        Socket.close(fd)
        server.closed(self)
    }

    // MARK: - The machine

    private func advance() {
        // Pipelined requests are answered a few a turn, then others have theirs.
        for _ in 0..<64 {
            let goesOn: Bool
            switch state {
            case .head: goesOn = readHead()
            case .body(let left, let request): goesOn = dropBody(left, request)
            case .answer: goesOn = writeAnswer()
            case .linger: goesOn = dropRest()
            case .closed: return
            }
            if !goesOn { return }
        }
        server.loop.makeReady(self)
    }

    override func onReady() { advance() }

    private func readHead() -> Bool {
        switch input.withUnsafeBytes({ RequestHead.parse($0, into: head) }) {
        case .partial:
            return fill()
        case .failure(let fault):
            minorVersion = 1
            persists = false
            isHEAD = false
            answer(.text("\(fault.sentence)\n", status: fault.status))
            return true
        case .complete(let consumed, let framing, let persists):
            input.removeFirst(min(consumed, input.count))
            self.persists = persists && !hasEnded
            minorVersion = head.minorVersion
            return begin(framing)
        }
    }

    private func begin(_ framing: BodyFraming) -> Bool {
        var request = AdminRequest(method: head.string(head.methodSlice), target: head.string(head.path))
        request.isFromPage = has("origin") || has("sec-fetch-site")
        isHEAD = request.method == "HEAD"
        switch framing {
        case .none:
            answer(server.respond(request))
        case .length(let length) where length <= AdminServer.bodyBytesMax:
            state = .body(left: length, request)
        case .length:
            persists = false
            answer(.text("A request to admin has at most \(AdminServer.bodyBytesMax) bytes of body.\n", status: 413))
        case .chunked, .untilClose:
            persists = false
            answer(.text("Admin reads bodies with a Content-Length only.\n", status: 411))
        }
        return true
    }

    private func has(_ name: StaticString) -> Bool {
        head.firstIndex(named: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)) != nil
    }

    private func dropBody(_ left: UInt64, _ request: AdminRequest) -> Bool {
        let taken = min(UInt64(input.count), left)
        input.removeFirst(Int(taken))
        if taken == left {
            answer(server.respond(request))
            return true
        }
        state = .body(left: left - taken, request)
        return fill()
    }

    private func dropRest() -> Bool {
        input.removeAll()
        return fill()
    }

    /// Reads what is there; false when nothing is, and closes at the peer's end.
    private func fill() -> Bool {
        guard !hasEnded else {
            close()
            return false
        }
        let count = withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 16) { buffer in
            let count = Socket.receive(fd, into: buffer)
            if count > 0 { input.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
            return count
        }
        if count == -Int(Errno.again) { return false }
        guard count > 0 else {
            hasEnded = true
            close()
            return false
        }
        return true
    }

    // MARK: - Answering

    private func answer(_ response: AdminResponse) {
        state = .answer
        sent = 0
        if case .pieces = response.body, minorVersion == 0 { persists = false }
        output = Array(response.head(minorVersion: minorVersion, persists: persists).utf8)
        pieces = nil
        if !isHEAD {
            switch response.body {
            case .bytes(let bytes): output += bytes
            case .pieces(let next):
                pieces = next
                isChunked = minorVersion == 1
            }
        }
        server.loop.arm(self, deadline: server.loop.now + AdminServer.writeTimeoutMilliseconds)
    }

    /// Sends the next bytes; true when the state changed or more can be done at once.
    private func writeAnswer() -> Bool {
        if sent == output.count, !refill() { return finish() }
        let count = output.withUnsafeBytes { Socket.send(fd, UnsafeRawBufferPointer(rebasing: $0[sent...])) }
        if count == -Int(Errno.again) { return false }
        guard count >= 0 else {
            close()
            return false
        }
        sent += count
        server.loop.arm(self, deadline: server.loop.now + AdminServer.writeTimeoutMilliseconds)
        return true
    }

    /// Takes the next piece of the body; false at the answer's end.
    private func refill() -> Bool {
        guard let next = pieces else { return false }
        output.removeAll(keepingCapacity: true)
        sent = 0
        let piece = next()
        if let piece {
            if isChunked { output += Array("\(String(piece.count, radix: 16))\r\n".utf8) }
            output += piece
            if isChunked { output += [0x0D, 0x0A] }
        } else {
            pieces = nil
            if isChunked { output = Array("0\r\n\r\n".utf8) }
        }
        return !output.isEmpty
    }

    private func finish() -> Bool {
        output = []
        sent = 0
        if persists {
            state = .head
            begin()
        } else {
            state = .linger
            Socket.shutdownWrite(fd)
            server.loop.arm(self, deadline: server.loop.now + UInt64(Limits.lingerTimeoutMilliseconds))
        }
        return true
    }
}
