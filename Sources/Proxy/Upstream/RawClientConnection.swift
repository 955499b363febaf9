import HTTP1
import Loop
import Telemetry
import Wire

/// A connection that carries the bytes of one call and nothing else: for TCP routes and CONNECT. There is no head in either
/// direction; being connected is the answer. Both halves end apart.
final class RawClientConnection: ClientConnection {
    /// The worker's table of calls keeps it alive.
    private unowned(unsafe) var call: UpstreamCall?
    private var isPaused = false
    private var requestEnded = false
    private var answerEnded = false

    override func begin(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) -> UInt32 {
        served += 1
        self.call = call
        requestEnded = false
        isReadable = true
        worker.loop.makeReady(self)
        return 0
    }

    override func send(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let goesOn = write(bytes)
        if !goesOn { pausedWriters = true }
        return goesOn
    }

    override func sendEnd(_ stream: UInt32, trailers: Head?) {
        guard !requestEnded else { return }
        requestEnded = true
        flush()
        if pending.isEmpty, !isClosed { requestLeft() }
    }

    override func cancel(_ stream: UInt32) -> Bool {
        call = nil
        if !isClosed { close() }
        return false
    }

    override func pause(_ stream: UInt32) { isPaused = true }

    override func resume(_ stream: UInt32) {
        guard isPaused else { return }
        isPaused = false
        worker.loop.makeReady(self)
    }

    // MARK: - Reading

    override func serve() {
        // The endpoint has ended its half, so that no read will tell.
        if answerEnded, writeFailed { return fail(.closedMidAnswer) }
        consumeInput()
        var budget = Limits.turnBytesMax
        while isReadable, !isPaused, !answerEnded, !isClosed {
            if budget <= 0 { return worker.loop.makeReady(self) }
            let count = receive(into: worker.readScratch)
            if count <= 0 {
                isReadable = false
                if count == -Int(Errno.again) { return }
                return count == 0 ? answerIsOver() : fail(.closedMidAnswer, errno: Int32(truncatingIfNeeded: -count))
            }
            budget -= count
            deliver(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(worker.readScratch)[..<count]))
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let call else { return }
        if !call.owner.callData(call, bytes), self.call === call { isPaused = true }
    }

    override func drained() { call?.writable() }
    override func emptied() { if requestEnded { requestLeft() } }

    // MARK: - Ending

    private func answerIsOver() {
        answerEnded = true
        guard let call else { return end() }
        if requestEnded, pending.isEmpty { return finish() }
        call.owner.callHalfEnd(call)
    }

    /// All that the client sent has left, and it sends no more.
    private func requestLeft() {
        if answerEnded { return finish() }
        endSending()
    }

    private func finish() {
        guard let finished = call else { return }
        call = nil
        flush()
        close()
        finished.ended(trailers: nil, connection: self, isReusable: false)
    }

    private func end() {
        close()
        upstreams?.closed(self, ending: nil)
    }

    override func fail(_ kind: CallFailure.Kind, errno: Int32 = 0) {
        guard !isClosed else { return }
        let failed = call
        call = nil
        close()
        let failure = CallFailure(kind: kind, errno: errno, wasReused: false, sentBytes: true)
        if let failed { failed.failed(failure, connection: self) } else { upstreams?.closed(self, ending: nil) }
    }
}
