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
        persists = true
        isPaused = false
        answerBytesSeen = false
        bytesAccepted = true
        isHeadTooLarge = false
        var out = claimOutput()
        if !HeadWriter.request(head, framing: framing, upgrade: false, to: out) {
            flush()
            out = claimOutput()
            if !HeadWriter.request(head, framing: framing, upgrade: false, to: out) {
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
        var goesOn: Bool
        if requestFraming == .chunked {
            var out = claimOutput()
            if out.room < 32 {
                flush()
                out = claimOutput()
            }
            _ = HeadWriter.chunkHeader(size: bytes.count, to: out)
            commitOutput()
            write(bytes)
            goesOn = write(Self.lineEnd)
        } else {
            goesOn = write(bytes)
        }
        if !goesOn { pausedWriters = true }
        return goesOn
    }

    func writeEnd(trailers: Head?) {
        guard !requestEnded, !isHeadTooLarge else { return }
        requestEnded = true
        guard requestFraming == .chunked else { return }
        var out = claimOutput()
        if out.room < 16 + (trailers?.storageUsed ?? 0) * 2 {
            flush()
            out = claimOutput()
        }
        if !HeadWriter.lastChunk(trailers: trailers, to: out) { _ = HeadWriter.lastChunk(trailers: nil, to: out) }
        commitOutput()
    }

    private static let lineEndText: StaticString = "\r\n"
    private static var lineEnd: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: lineEndText.utf8Start, count: 2)
    }
}
