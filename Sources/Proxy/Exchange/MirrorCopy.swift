import HTTP1
import Loop
import Telemetry
import Wire

/// A copy of a request to a mirror: fire and forget. It has a head of its own and reads the body from the exchange's tee, which
/// it may outlive; it never delays or fails the primary, and is cut when it falls too far behind.
final class MirrorCopy: CallOwner {
    private var head: Head
    private let call: UpstreamCall
    private var use: GenerationUse?
    private var tee: BodyTee?
    private var reader = -1
    private var trailers: Head?
    private(set) var isFinished = false
    private var isRequestComplete = false

    init(worker: Worker, head: Head) {
        self.head = head
        call = worker.makeCall()
        super.init(worker: worker)
        call.owner = self
        call.isObserved = false
    }

    /// Starts the copy. False when it failed at once; it is counted then.
    func start(
        cluster: Int, of use: GenerationUse, framing: BodyFraming, end: Bool, tee: BodyTee?, timeoutMilliseconds: Int
    ) -> Bool {
        self.use = use
        use.begin()
        self.tee = tee
        if let tee { reader = tee.addReader() }
        isRequestComplete = end
        worker.metrics.add(.mirrorsSent)
        worker.metrics.add(.mirrorsActive)
        let failure = call.start(
            cluster: cluster, of: use, head: head, framing: framing, end: end, avoidTried: false)
        if failure != nil {
            worker.metrics.add(.mirrorsFailed)
            finish()
            return false
        }
        let limit = timeoutMilliseconds > 0 ? timeoutMilliseconds : Limits.mirrorTimeoutMilliseconds
        worker.loop.arm(self, deadline: worker.loop.now + UInt64(limit))
        return true
    }

    /// The exchange's body grew or ended. False: the copy is over.
    func pump(isComplete: Bool, trailers: Head?) -> Bool {
        guard !isFinished else { return false }
        if isComplete {
            isRequestComplete = true
            self.trailers = trailers
        }
        feed()
        guard !isFinished else { return false }
        if let tee, tee.lag(reader) > Limits.mirrorLagBytesMax {
            worker.metrics.add(.mirrorsDropped)
            call.cancel()
            finish()
            return false
        }
        return true
    }

    /// The primary ended before its request was complete: the copy cannot be completed either.
    func primaryEnded(isRequestComplete: Bool) {
        guard !isFinished, !isRequestComplete else { return }
        worker.metrics.add(.mirrorsDropped)
        call.cancel()
        finish()
    }

    /// The process ends.
    func abandon() {
        guard !isFinished else { return }
        call.cancel()
        finish()
    }

    private func feed() {
        guard call.isActive, let tee else { return }
        while true {
            let piece = tee.piece(reader)
            if piece.isEmpty { break }
            let goesOn = call.send(piece)
            tee.advance(reader, by: piece.count)
            if !goesOn { break }
        }
        if tee.lag(reader) == 0, isRequestComplete { call.sendEnd(trailers: trailers) }
    }

    // MARK: - The call

    override func callReady(_ call: UpstreamCall) { feed() }
    override func callWritable(_ call: UpstreamCall) { feed() }
    override func callEnd(_ call: UpstreamCall, trailers: Head?) { finish() }

    override func callFailed(_ call: UpstreamCall, _ failure: CallFailure) {
        worker.metrics.add(.mirrorsFailed)
        finish()
    }

    override func onDeadline() {
        guard !isFinished else { return }
        worker.metrics.add(.mirrorsFailed)
        call.cancel()
        finish()
    }

    private func finish() {
        guard !isFinished else { return }
        isFinished = true
        // Not only disarmed: the loop would hold the copy until its deadline had passed.
        worker.loop.deregister(self)
        if let tee, reader >= 0 { tee.removeReader(reader) }
        tee = nil
        worker.metrics.subtract(.mirrorsActive)
        worker.remove(self)
        worker.giveCall(call)
        use?.end()
        use = nil
    }

    /// Position in the worker's list of copies.
    var registryIndex = -1
}
