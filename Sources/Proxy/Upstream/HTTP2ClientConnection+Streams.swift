import HTTP1
import HTTP2
import Telemetry
import Wire

// From the session's events to calls' answers.
extension HTTP2ClientConnection {
    func takeEvents() {
        while !isClosed, let event = session.next() {
            switch event {
            case .informational(let id): takeInformational(id)
            case .head(let id, let end, let length): takeHead(id, end: end, length: length)
            case .data(let id, let bytes, let end):
                takeData(id, bytes)
                if end { answerEnded(id, trailers: nil) }
            case .end(let id): answerEnded(id, trailers: nil)
            case .trailers(let id):
                var trailers = worker.http2.takeHead()
                session.swapHead(&trailers)
                answerEnded(id, trailers: trailers.fieldCount > 0 ? trailers : nil)
                worker.http2.give(trailers)
            case .reset(let id, let code): failStream(id, code == .refusedStream ? .refusedStream : .streamReset)
            case .malformed(let id), .headersTooLarge(let id):
                worker.metrics.add(.http2MalformedStreams)
                failStream(id, .protocolError, code: .protocolError)
            case .drained(let id): streams[id]?.call.writable()
            case .streamClosed(let id): failStream(id, .streamReset)
            case .goAway: if link == .open { upstreams?.draining(self) }
            case .settings: if link == .greeting { greeted() } else { upstreams?.capacityChanged(self) }
            case .pong: pong()
            }
        }
    }

    private func takeInformational(_ id: UInt32) {
        guard let call = streams[id]?.call else { return }
        session.swapHead(&worker.responseHead)
        call.owner.callInformational(call, worker.responseHead)
    }

    private func takeHead(_ id: UInt32, end: Bool, length: UInt64?) {
        guard let stream = streams[id] else { return }
        let call = stream.call
        session.swapHead(&worker.responseHead)
        let head = worker.responseHead
        streams.update(id) { $0.hasHead = true }
        if stream.isConnect, head.status == 200, !end {
            streams.update(id) { $0.isTunnel = true }
            head.status = 101
            head.reason = .empty
            head.removeAll(.contentLength)
            return call.received(head, framing: .untilClose, end: false)
        }
        call.received(head, framing: end ? .none : length.map { .length($0) } ?? .chunked, end: end)
        if end { answerEnded(id, trailers: nil) }
    }

    private func takeData(_ id: UInt32, _ bytes: UnsafeRawBufferPointer) {
        guard let call = streams[id]?.call else { return session.consumed(id, bytes.count) }
        streams.update(id) { $0.uncredited += bytes.count }
        if !call.owner.callData(call, bytes) { streams.update(id) { $0.isPaused = true } }
        credit(id)
    }

    /// Gives the endpoint credit for what the call's owner took, unless that pauses.
    func credit(_ id: UInt32) {
        guard let stream = streams[id], !stream.isPaused, stream.uncredited > 0 else { return }
        streams.update(id) { $0.uncredited = 0 }
        session.consumed(id, stream.uncredited)
        scheduleWrite()
    }

    private func answerEnded(_ id: UInt32, trailers: Head?) {
        guard let stream = streams[id] else { return }
        let call = stream.call
        if stream.isTunnel, !stream.requestEnded {
            guard !stream.answerEnded else { return }
            streams.update(id) { $0.answerEnded = true }
            return call.owner.callHalfEnd(call)
        }
        finish(id, trailers: trailers)
    }

    /// The answer is complete: the stream is let go, reset where the request is not over.
    func finish(_ id: UInt32, trailers: Head?) {
        guard let stream = streams[id] else { return }
        let call = stream.call
        streams[id] = nil
        if stream.uncredited > 0 { session.consumed(id, stream.uncredited) }
        if !stream.requestEnded { session.reset(id, .noError) }
        scheduleWrite()
        call.ended(trailers: trailers, connection: self, isReusable: true)
    }

    /// Ends one call with a failure; the connection goes on. `code`: what the endpoint is told, where it does not know yet.
    func failStream(_ id: UInt32, _ kind: CallFailure.Kind, code: HTTP2Code? = nil) {
        if let code {
            session.reset(id, code)
            scheduleWrite()
        }
        guard let stream = streams[id] else { return }
        streams[id] = nil
        var failure = CallFailure(kind: kind, wasReused: served > 1, sentBytes: kind != .refusedStream)
        if stream.hasHead, kind == .streamReset { failure.kind = .closedMidAnswer }
        stream.call.failed(failure, connection: self, remains: .alive)
    }
}
