import HTTP1
import Loop
import Telemetry
import Wire

// An endpoint's bytes, as a call's answer.
extension HTTP1ClientConnection {
    func readTurn() {
        var budget = Limits.turnBytesMax
        while isReadable, !isPaused, !isClosed {
            if answerEnded, phase == .tunnel { return }
            if budget <= 0 { return worker.loop.makeReady(self) }
            let target = readTarget()
            let count = receive(into: target)
            if count <= 0 {
                isReadable = false
                if count != -Int(Errno.again) { ended(Int32(truncatingIfNeeded: -count)) }
                return
            }
            budget -= count
            received(target, count)
        }
    }

    /// The endpoint closed or broke the connection.
    private func ended(_ errno: Int32) {
        switch phase {
        case .idle:
            worker.metrics.add(.upstreamClosedIdle)
            close()
            upstreams?.closed(self, ending: nil)
        case .head:
            fail(answerBytesSeen ? .closedMidAnswer : .closedBeforeHead, errno: errno)
        case .body:
            // TLS says when the end is the endpoint's own.
            if answerFraming == .untilClose, errno == 0, tls?.wasTruncated != true {
                persists = false
                finishAnswer(trailers: nil, isLast: true)
            } else {
                fail(.closedMidAnswer, errno: errno)
            }
        case .tunnel:
            guard errno == 0, !writeFailed else { return fail(.closedMidAnswer, errno: errno) }
            tunnelAnswerEnded()
        }
    }

    /// Takes as much as the phase allows; returns how many bytes that was.
    func consumeAnswer(_ bytes: UnsafeRawBufferPointer) -> Int {
        var taken = 0
        while taken < bytes.count, !isClosed, !isPaused {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            let step: Int
            switch phase {
            case .head: step = consumeHead(rest)
            case .body: step = consumeBody(rest)
            case .tunnel:
                deliver(rest)
                step = rest.count
            case .idle:
                // Bytes that no request asked for (a 408 before a close, say): the connection cannot be trusted.
                close()
                upstreams?.closed(self, ending: nil)
                return bytes.count
            }
            if step == 0 { break }
            taken += step
        }
        return taken
    }

    // MARK: - Head

    private func consumeHead(_ bytes: UnsafeRawBufferPointer) -> Int {
        answerBytesSeen = true
        guard let call else { return bytes.count }
        let head = worker.responseHead
        switch ResponseHead.parse(bytes, answering: method, into: head) {
        case .partial: return 0
        case .failure(let fault):
            worker.metrics.add(.upstreamFault, fault)
            fail(.protocolError)
            return bytes.count
        case .complete(let consumed, let framing, let persists):
            if head.status < 200 {
                if head.status == 101 { return switchProtocols(head, call, consumed: consumed, of: bytes.count) }
                call.owner.callInformational(call, head)
                return consumed
            }
            self.persists = persists
            answerFraming = framing
            var hasBody = true
            switch framing {
            case .none, .length(0): hasBody = false
            case .length(let length): bodyLeft = length
            case .chunked: chunks = ChunkedReader()
            case .untilClose: break
            }
            phase = .body
            call.received(head, framing: framing, end: !hasBody)
            if !hasBody, !isClosed, self.call === call { finishAnswer(trailers: nil, isLast: consumed == bytes.count) }
            return consumed
        }
    }

    /// 101: from here on there are only bytes, if that was asked for, and the whole request is there.
    private func switchProtocols(_ head: Head, _ call: UpstreamCall, consumed: Int, of count: Int) -> Int {
        guard asksUpgrade, requestEnded, pending.isEmpty else {
            fail(.protocolError)
            return count
        }
        persists = false
        requestEnded = false
        requestFraming = .untilClose
        answerEnded = false
        phase = .tunnel
        call.received(head, framing: .untilClose, end: false)
        return consumed
    }

    // MARK: - Tunnel

    /// The endpoint sends no more.
    private func tunnelAnswerEnded() {
        guard !answerEnded, let call else { return }
        answerEnded = true
        if requestEnded, pending.isEmpty { return finishAnswer(trailers: nil, isLast: true) }
        call.owner.callHalfEnd(call)
    }

    /// All that the client sent has left, and it sends no more.
    func tunnelRequestLeft() {
        if answerEnded { return finishAnswer(trailers: nil, isLast: true) }
        endSending()
    }

    // MARK: - Body

    private func consumeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard call != nil else { return bytes.count }
        switch answerFraming {
        case .chunked: return consumeChunk(bytes)
        case .untilClose:
            deliver(bytes)
            return bytes.count
        case .none, .length:
            let count = Int(min(UInt64(bytes.count), bodyLeft))
            bodyLeft -= UInt64(count)
            deliver(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            if bodyLeft == 0, !isClosed { finishAnswer(trailers: nil, isLast: count == bytes.count) }
            return count
        }
    }

    private func consumeChunk(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch chunks.next(bytes, trailers: worker.trailers) {
        case .data(let range, let consumed):
            deliver(UnsafeRawBufferPointer(rebasing: bytes[range]))
            return consumed
        case .needMore(let consumed):
            return consumed
        case .end(let consumed):
            finishAnswer(
                trailers: worker.trailers.fieldCount > 0 ? worker.trailers : nil, isLast: consumed == bytes.count)
            return consumed
        case .failure(let fault):
            worker.metrics.add(.upstreamFault, fault)
            fail(.protocolError)
            return bytes.count
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let call else { return }
        if !call.owner.callData(call, bytes), self.call === call { isPaused = true }
    }

    /// The answer is complete: the connection goes back to its pool, or ends, and the call hears of it. `isLast`: no byte follows
    /// the answer. What follows it, read or not, nobody asked for, and must never be taken for the next request's answer.
    private func finishAnswer(trailers: Head?, isLast: Bool) {
        guard let finished = call else { return }
        call = nil
        served += 1
        isPaused = false
        let isReusable =
            persists && isLast && !isReadable && requestEnded && !writeFailed && !isHungUp && pending.isEmpty
            && upstreams != nil
        if isReusable {
            phase = .idle
        } else {
            flush()
            close()
        }
        finished.ended(trailers: trailers, connection: self, isReusable: isReusable)
    }
}
