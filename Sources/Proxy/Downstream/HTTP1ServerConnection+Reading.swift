import HTTP1
import Loop
import Telemetry
import Wire

// From bytes to an exchange's inputs.
extension HTTP1ServerConnection {
    /// Whether more bytes are of use now. A request that waits for its answer is not read past: the client's next requests stay in
    /// the socket, as they do while earlier answers wait for a client that sends without reading.
    private var wantsBytes: Bool {
        switch phase {
        case .head: !closesWhenEmpty && !isFull && successor == nil
        case .lingering: !closesWhenEmpty
        case .body: !isPaused
        case .tunnel: !isPaused && !inputEnded
        case .answering: false
        }
    }

    /// Reads until the socket is empty or the turn's budget is used up.
    func readTurn() {
        var budget = Limits.turnBytesMax
        while isReadable, wantsBytes, !isClosed {
            if budget <= 0 { return worker.loop.makeReady(self) }
            let target = readTarget()
            let count = receive(into: target)
            if count <= 0 { return readFailed(count) }
            budget -= count
            received(target, count)
        }
        noticeDeparture()
    }

    /// Nothing to read: for now (`EAGAIN`), or for ever.
    private func readFailed(_ result: Int) {
        if result == -Int(Errno.again) {
            isReadable = false
            return
        }
        isReadable = false
        switch phase {
        case .head, .lingering: endWhenEmpty()
        case .body: abort(.disconnected)
        case .tunnel: tunnelInputEnded(result)
        case .answering: noticeDeparture()
        }
    }

    /// A client's FIN before the answer's head means that it is gone; so does a broken socket, also while its body is not read.
    private func noticeDeparture() {
        guard isHungUp, exchange != nil, !isClosed else { return }
        if phase == .tunnel, !inputEnded, !writeFailed, !isBroken { return }
        if writeFailed || isBroken || phase == .answering && !answerStarted { return abort(.disconnected) }
        armDeadline()
    }

    /// Takes as much as the phase allows; returns how many bytes that was. Whoever calls keeps the rest.
    func consumeRequest(_ bytes: UnsafeRawBufferPointer) -> Int {
        var taken = 0
        while taken < bytes.count, !isClosed {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            let step: Int
            switch phase {
            case .head: step = isFull || successor != nil ? 0 : consumeHead(rest)
            case .body: step = isPaused ? 0 : consumeBody(rest)
            case .tunnel: step = isPaused ? 0 : consumeTunnel(rest)
            case .answering: step = 0
            case .lingering:
                step = rest.count
                lingeredBytes += step
                if lingeredBytes > Limits.lingerBytesMax { end() }
            }
            if step == 0 { break }
            taken += step
        }
        return taken
    }

    // MARK: - Head

    private func consumeHead(_ bytes: UnsafeRawBufferPointer) -> Int {
        if closesWhenEmpty { return bytes.count }
        if bytes[0] == UInt8(ascii: "P"), !hasAnswered, speaksHTTP2(bytes) { return 0 }
        switch RequestHead.parse(bytes, into: worker.requestHead) {
        case .partial:
            if headSince == 0 {
                headSince = worker.loop.now
                armDeadline()
            }
            return 0
        case .failure(let fault):
            worker.metrics.add(.downstreamFault, fault)
            if fault == .badVersion, !hasAnswered, !isHTTP1(bytes) {
                // Another protocol, or a broken preface of HTTP/2: an answer in HTTP/1.1 would mean nothing to it.
                worker.recordRefusal(self, status: 0)
                end()
                return bytes.count
            }
            refuse(status: fault.status, sentence: fault.sentence)
            return bytes.count
        case .complete(let consumed, let framing, let persists):
            headSince = 0
            if worker.requestHead.has(.http2Settings), changesToHTTP2(framing) { return consumed }
            beginExchange(framing: framing, persists: persists)
            return consumed
        }
    }

    private func beginExchange(framing: BodyFraming, persists: Bool) {
        let running = worker.takeExchange()
        swap(&running.requestHead, &worker.requestHead)
        minorVersion = running.requestHead.minorVersion
        method = running.requestHead.method
        self.persists = persists
        bodyFraming = framing
        answerStarted = false
        answerEnded = false
        answerFraming = .none
        isPaused = false
        inputEnded = false
        exchange = running
        var hasBody = true
        switch framing {
        case .none, .untilClose, .length(0): hasBody = false
        case .length(let length): bodyLeft = length
        case .chunked: chunks = ChunkedReader()
        }
        phase = hasBody ? .body : .answering
        if hasBody {
            moved()
            armDeadline()
        }
        running.begin(self, stream: 0, framing: framing, end: !hasBody)
    }

    // MARK: - Body

    private func consumeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let running = exchange else { return bytes.count }
        moved()
        if case .chunked = bodyFraming { return consumeChunk(bytes, running) }
        let count = Int(min(UInt64(bytes.count), bodyLeft))
        bodyLeft -= UInt64(count)
        let isLast = bodyLeft == 0
        if isLast { phase = .answering }
        running.requestData(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        if isLast { exchange?.requestEnd(trailers: nil) }
        return count
    }

    private func consumeChunk(_ bytes: UnsafeRawBufferPointer, _ running: Exchange) -> Int {
        switch chunks.next(bytes, trailers: worker.trailers) {
        case .data(let range, let consumed):
            running.requestData(UnsafeRawBufferPointer(rebasing: bytes[range]))
            return consumed
        case .needMore(let consumed):
            return consumed
        case .end(let consumed):
            phase = .answering
            running.requestEnd(trailers: worker.trailers.fieldCount > 0 ? worker.trailers : nil)
            return consumed
        case .failure(let fault):
            worker.metrics.add(.downstreamFault, fault)
            let answered = answerStarted
            exchange = nil
            running.requestReset(.malformed)
            if answered { end() } else { refuse(status: 400, sentence: fault.sentence, isRecorded: true) }
            return bytes.count
        }
    }

    // MARK: - Tunnel

    private func consumeTunnel(_ bytes: UnsafeRawBufferPointer) -> Int {
        exchange?.requestData(bytes)
        return bytes.count
    }

    /// The client sends no more: its half ends, unless the socket broke.
    private func tunnelInputEnded(_ result: Int) {
        guard result == 0, !isBroken, !writeFailed else { return abort(.disconnected) }
        inputEnded = true
        exchange?.requestEnd(trailers: nil)
    }

    // MARK: - Refusing

    /// Answers outside any exchange and closes, lingering so that the answer is read. `isRecorded`: the request was counted.
    func refuse(status: Int, sentence: StaticString, isRecorded: Bool = false) {
        guard !isClosed, phase != .lingering else { return }
        let out = claimOutput()
        LocalReply.writeRefusal(status: status, sentence: sentence, to: out)
        commitOutput()
        if !isRecorded { worker.recordRefusal(self, status: status) }
        linger()
    }

    /// Sends what is pending, then half-closes and swallows input for a while.
    func linger() {
        phase = .lingering
        headSince = 0
        lingerUntil = worker.loop.now + UInt64(Limits.writeStallTimeoutMilliseconds)
        flush()
        if pending.isEmpty { beginLinger() } else { armDeadline() }
    }

    func beginLinger() {
        guard !isClosed else { return }
        worker.metrics.add(.downstreamLingers)
        endSending()
        lingerUntil = worker.loop.now + UInt64(Limits.lingerTimeoutMilliseconds)
        armDeadline()
        isReadable = true
        worker.loop.makeReady(self)
    }
}
