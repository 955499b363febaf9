import HTTP1
import Wire

// A call's request, as bytes.
extension HTTP1ClientConnection {
    func writeHead(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) {
        self.call = call
        phase = .head
        method = head.method
        requestFraming = framing
        requestEnded = end
        asksUpgrade = head.has(.upgrade)
        persists = true
        isPaused = false
        answerBytesSeen = false
        bytesAccepted = true
        isHeadTooLarge = false
        var out = claimOutput()
        if !HeadWriter.request(head, framing: framing, upgrade: asksUpgrade, to: out) {
            flush()
            out = claimOutput()
            if !HeadWriter.request(head, framing: framing, upgrade: asksUpgrade, to: out) {
                // A head that grew past the largest one that is ever sent: nothing left, and nothing will.
                bytesAccepted = false
                isHeadTooLarge = true
                worker.loop.makeReady(self)
                return
            }
        }
        commitOutput()
    }

    func writeData(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty, !isHeadTooLarge else { return true }
        let goesOn = requestFraming == .chunked ? writeChunk(bytes) : write(bytes)
        if !goesOn { pausedWriters = true }
        return goesOn
    }

    func writeEnd(trailers: Head?) {
        guard !requestEnded, !isHeadTooLarge else { return }
        requestEnded = true
        if phase == .tunnel {
            flush()
            if pending.isEmpty, !isClosed { tunnelRequestLeft() }
            return
        }
        if requestFraming == .chunked { writeLastChunk(trailers: trailers) }
    }
}
