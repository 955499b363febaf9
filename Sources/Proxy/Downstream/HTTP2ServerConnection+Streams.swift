import HTTP1
import HTTP2
import Telemetry
import Wire

// From the session's events to exchanges' inputs, and from their commands to the session.
extension HTTP2ServerConnection {
    func takeEvents() {
        while !isClosed, let event = session.next() {
            switch event {
            case .head(let id, let end, let length): beginStream(id, end: end, length: length)
            case .data(let id, let bytes, let end):
                takeData(id, bytes)
                if end { takeEnd(id) }
            case .end(let id): takeEnd(id)
            case .trailers(let id): takeTrailers(id)
            case .reset(let id, _): resetByClient(id, .disconnected)
            case .malformed(let id):
                worker.metrics.add(.http2MalformedStreams)
                if streams[id] == nil { worker.recordRefusal(self, status: 400) }
                resetByClient(id, .malformed)
            case .headersTooLarge(let id): refuseHead(id)
            case .drained(let id): streams[id]?.exchange?.downstreamDrained()
            case .streamClosed(let id):
                resetByClient(id, .disconnected)
                streams[id] = nil
                streamEnded()
            case .informational, .goAway, .settings, .pong: break
            }
        }
    }

    // MARK: - Requests

    private func beginStream(_ id: UInt32, end: Bool, length: UInt64?) {
        let running = worker.takeExchange()
        session.swapHead(&running.requestHead)
        begin(running, stream: id, end: end, length: length)
    }

    /// Starts the exchange of a request whose head is in place.
    func begin(_ running: Exchange, stream id: UInt32, end: Bool, length: UInt64?) {
        var stream = Stream(exchange: running)
        let head = running.requestHead
        var isComplete = end
        if !head.connectProtocol.isEmpty {
            // An extended CONNECT is an Upgrade in HTTP/2's words; everything behind it speaks of it in HTTP/1's.
            stream.isConnect = true
            stream.endsTunnel = end
            isComplete = true
            head.method = .get
            head.methodSlice = head.append("GET")
            head.setField(.upgrade, value: head.connectProtocol)
        }
        streams[id] = stream
        let framing: BodyFraming = isComplete ? .none : length.map { .length($0) } ?? .chunked
        running.begin(self, stream: id, framing: framing, end: isComplete)
    }

    private func takeData(_ id: UInt32, _ bytes: UnsafeRawBufferPointer) {
        guard let stream = streams[id] else { return session.consumed(id, bytes.count) }
        guard let running = stream.exchange else { return swallow(id, bytes.count) }
        if stream.isConnect, !stream.isTunnel {
            // Bytes before the endpoint agreed: nobody may see them yet.
            streams.update(id) { $0.exchange = nil }
            session.reset(id, .cancel)
            return running.requestReset(.malformed)
        }
        streams.update(id) { $0.uncredited += bytes.count }
        running.requestData(bytes)
        credit(id)
    }

    /// Gives the client credit for what its exchange took, unless the exchange pauses.
    func credit(_ id: UInt32) {
        guard let stream = streams[id], !stream.isPaused, stream.uncredited > 0 else { return }
        streams.update(id) { $0.uncredited = 0 }
        session.consumed(id, stream.uncredited)
        scheduleWrite()
    }

    /// A request that was answered early: a little more of it is swallowed, then the stream ends.
    private func swallow(_ id: UInt32, _ count: Int) {
        session.consumed(id, count)
        streams.update(id) { $0.swallowedBytes += count }
        if let stream = streams[id], stream.swallowedBytes > Limits.lingerBytesMax { session.reset(id, .noError) }
        scheduleWrite()
    }

    private func takeEnd(_ id: UInt32) {
        guard let stream = streams[id] else { return }
        if stream.isConnect, !stream.isTunnel { return streams.update(id) { $0.endsTunnel = true } }
        stream.exchange?.requestEnd(trailers: nil)
    }

    private func takeTrailers(_ id: UInt32) {
        var trailers = worker.http2.takeHead()
        session.swapHead(&trailers)
        streams[id]?.exchange?.requestEnd(trailers: trailers.fieldCount > 0 ? trailers : nil)
        worker.http2.give(trailers)
    }

    private func resetByClient(_ id: UInt32, _ reason: ResetReason) {
        guard let running = streams[id]?.exchange else { return }
        streams.update(id) { $0.exchange = nil }
        running.requestReset(reason)
    }

    private func refuseHead(_ id: UInt32) {
        if let running = streams[id]?.exchange {
            // Its trailers grew too large.
            streams.update(id) { $0.exchange = nil }
            session.reset(id, .protocolError)
            return running.requestReset(.malformed)
        }
        let head = worker.responseHead
        LocalReply.fill(head, status: 431, bodyBytes: 0)
        session.submitResponse(id, head, end: true)
        streams[id] = Stream(exchange: nil)
        answered(id)
        worker.recordRefusal(self, status: 431)
        scheduleWrite()
    }
}

// MARK: - Commands

extension HTTP2ServerConnection {
    /// How the head says the body's length.
    private func length(_ framing: BodyFraming, _ head: Head) -> HTTP2Length {
        switch framing {
        case .none: .asInHead
        case .length(let count): .exactly(count)
        case .chunked, .untilClose: .unknown
        }
    }

    func submitHead(_ id: UInt32, _ head: Head, framing: BodyFraming, end: Bool) {
        var framing = framing
        if let stream = streams[id], stream.isConnect, head.status == 101 {
            streams.update(id) { $0.isTunnel = true }
            if stream.endsTunnel { endedTunnels.append(id) }
            head.status = 200
            head.removeAll(.upgrade)
            head.removeAll(named: WebSocketFields.accept)
            framing = .untilClose
        } else if framing == .none, !end {
            framing = .chunked
        }
        session.submitResponse(id, head, length: length(framing, head), end: end)
        scheduleWrite()
    }
}
