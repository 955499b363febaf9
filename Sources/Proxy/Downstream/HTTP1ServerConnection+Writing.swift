import HTTP1
import Loop
import Telemetry
import Wire

// From an exchange's commands to bytes.
extension HTTP1ServerConnection {
    /// How the answer is delimited towards this client.
    private func framing(for head: Head, from framing: BodyFraming, end: Bool) -> BodyFraming {
        if opensTunnel(head) { return .untilClose }
        if method == .head || head.status == 204 || head.status == 304 || head.status < 200 { return .none }
        switch framing {
        case .length: return framing
        case .none: return .length(0)
        case .chunked, .untilClose: return minorVersion == 0 ? .untilClose : .chunked
        }
    }
}

extension HTTP1ServerConnection {
    func writeInformational(_ head: Head) {
        // One more or less is no loss; a flood of them to a client that reads none would be.
        guard minorVersion >= 1, !answerStarted, !isFull else { return }
        moved()
        let out = claimOutput()
        _ = HeadWriter.response(head, framing: .none, minorVersion: 1, close: false, upgrade: false, to: out)
        commitOutput()
    }

    func writeHead(_ head: Head, framing: BodyFraming, end: Bool) {
        answerStarted = true
        moved()
        answerFraming = self.framing(for: head, from: framing, end: end)
        if opensTunnel(head) { return writeSwitch(head) }
        closesAfterAnswer =
            !persists || isDraining || worker.isDraining || phase == .body || answerFraming == .untilClose
        let out = claimOutput()
        let fits = HeadWriter.response(
            head, framing: answerFraming, minorVersion: minorVersion, close: closesAfterAnswer, upgrade: false, to: out)
        if !fits {
            // The head grew past the output buffer: what gathered before it leaves, then there is room.
            flush()
            let empty = claimOutput()
            guard
                HeadWriter.response(
                    head, framing: answerFraming, minorVersion: minorVersion, close: closesAfterAnswer, upgrade: false,
                    to: empty)
            else {
                // Larger than any head that is sent: the connection ends in a turn of its own, as the exchange is at work.
                failWriting()
                return
            }
        }
        commitOutput()
        if end { endAnswer() }
    }

    /// Whether there are only bytes behind this head.
    private func opensTunnel(_ head: Head) -> Bool {
        head.status == 101 || method == .connect && head.status >= 200 && head.status < 300
    }

    /// Tells the client that the protocol changes, and reads on.
    private func writeSwitch(_ head: Head) {
        phase = .tunnel
        closesAfterAnswer = true
        let out = claimOutput()
        guard
            HeadWriter.response(
                head, framing: .none, minorVersion: 1, close: false, upgrade: head.status == 101, to: out)
        else { return failWriting() }
        commitOutput()
        flush()
        isReadable = true
        worker.loop.makeReady(self)
    }

    func writeData(_ bytes: UnsafeRawBufferPointer, end: Bool) -> Bool {
        var goesOn = true
        if !bytes.isEmpty {
            moved()
            switch answerFraming {
            case .none: break
            case .length, .untilClose: goesOn = write(bytes)
            case .chunked: goesOn = writeChunk(bytes)
            }
        }
        if end {
            writeEnd(trailers: nil)
            return true
        }
        if !goesOn { pausedWriters = true }
        return goesOn
    }

    func writeEnd(trailers: Head?) {
        if phase == .tunnel {
            answerEnded = true
            flush()
            if pending.isEmpty { endSending() }
            return
        }
        if answerFraming == .chunked { writeLastChunk(trailers: trailers) }
        endAnswer()
    }

    // MARK: - The end of an answer

    private func endAnswer() {
        answerEnded = true
        isPaused = false
    }

    /// The exchange is over: the next request, or the end.
    func finishExchange() {
        exchange = nil
        guard answerEnded, !isClosed, phase != .lingering else { return }
        if writeFailed { return end() }
        if phase == .tunnel { return endWhenEmpty() }
        if phase == .body || closesAfterAnswer && (isReadable || input != nil) { return linger() }
        if closesAfterAnswer || isHungUp && !isReadable { return endWhenEmpty() }
        phase = .head
        hasAnswered = true
        idleSince = worker.loop.now
        armDeadline()
        // The client's next request may wait here or in the socket already.
        if isReadable || input != nil { worker.loop.makeReady(self) }
    }
}
