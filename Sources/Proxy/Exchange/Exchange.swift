import Clusters
import HTTP1
import Loop
import Plan
import Routing
import TLS
import Telemetry
import Wire

/// One request and its answer: the machine between a client's stream and the upstream calls made for it.
///
/// Inputs from downstream: `begin`, `requestData`, `requestEnd`, `requestReset`, `downstreamDrained`. Inputs from the upstream
/// call: the overrides of `CallOwner`. The deadline of the handler is the request's: route timeout, per-try timeout or back-off,
/// whichever is next. An exchange belongs to a worker, which reuses it.
final class Exchange: CallOwner {
    var requestHead = Head()
    unowned(unsafe) var downstream: ServerConnection?
    var stream: UInt32 = 0
    var use: GenerationUse?
    let call: UpstreamCall

    // MARK: What was decided

    var role = ListenerSpec.Role.outbound
    var listener = -1
    /// The table that the connection's chain is decided by.
    var routes = -1
    var decision = Decision(outcome: .noVirtualHost)
    /// Set once a route was found.
    var route: RouteRecord!
    var clusterIndex = -1
    /// The draw of this request: for the weights and the mirrors' shares.
    var draw: UInt64 = 0
    var filterPosition = 0
    /// A filter changed what routing looks at.
    var needsDecision = false
    var isSuspended = false
    /// The protocol that the client asks to change to, by `Upgrade` or by an extended CONNECT; `h2c` is not among them.
    var upgradeAsked: Slice?
    /// A CONNECT: a connection to the destination is the answer.
    var isConnect = false
    /// A connection of bytes without a request: a TCP route's.
    var isTCP = false
    /// The request's deadline comes from its `grpc-timeout`; whether that is the call's own time and not the route's; and whether
    /// it is up.
    var hasGRPCTimeout = false
    var isGRPCDeadline = false
    var hasGRPCDeadlinePassed = false
    /// Both sides agreed to change the protocol: bytes pass until both have ended.
    var isTunnel = false
    /// When a byte last passed through the tunnel, monotonic milliseconds.
    var tunnelActiveAt: UInt64 = 0
    /// 0: never idle for too long.
    var tunnelIdleMilliseconds = Limits.tunnelIdleTimeoutMilliseconds

    // MARK: The request's body

    var requestFraming = BodyFraming.none
    var isRequestComplete = false
    /// Held bytes of the body: while an attempt is not connected, a retry is possible or mirrors read along.
    var tee: BodyTee?
    /// The last request's, empty, for the next one with a body.
    var spareTee: BodyTee?
    var primaryReader = -1
    var replayReader = -1
    /// A byte of the body was sent that is not held any more.
    var isReplayLost = false
    var isUploadPaused = false
    /// Trailers of the request, once they came.
    var requestTrailers: Head?

    /// Copies that still read the body.
    var mirrors: [MirrorCopy] = []
    /// Tells a late answer of the resolver from one for the request under way.
    var passthroughTicket = 0

    // MARK: Attempts

    var attempts = 0
    var retriesLeft = 0
    var usedFreeRetry = false
    var holdsRetrySlot = false
    var routeDeadline = UInt64.max
    var attemptDeadline = UInt64.max
    var backoffDeadline = UInt64.max
    var tunnelDeadline = UInt64.max

    // MARK: The answer

    var isAnswerStarted = false
    var isAnswerComplete = false
    var isForwardedInformational = false
    var status: UInt16 = 0
    var outcome = Outcome.completed
    var extraFlags: ResponseFlags = []
    /// Why TLS with the endpoint failed, of the last attempt that did.
    var upstreamTLSFault: TLSFault?
    /// The phrase for `%RESPONSE_CODE_DETAILS%`.
    var details: StaticString = "via_upstream"

    // MARK: For the record

    var tally = Tally()
    var startedNanoseconds: UInt64 = 0
    var requestCompleteNanoseconds: UInt64 = 0
    /// Milliseconds from the complete request to the answer's head; -1: unknown.
    var upstreamServiceMilliseconds = -1
    var bytesReceived: UInt64 = 0
    /// Bytes of both heads, which metrics count as well.
    var requestHeadBytes = 0
    var answerHeadBytes = 0
    var bytesSent: UInt64 = 0
    /// The endpoint of the last attempt in the generation's table.
    var lastEndpoint = -1
    var isActive = false

    override init(worker: Worker) {
        call = worker.makeCall()
        super.init(worker: worker)
        call.owner = self
    }

    /// Makes the exchange new for its next request.
    func reset() {
        downstream = nil
        use = nil
        clusterIndex = -1
        filterPosition = 0
        needsDecision = false
        isSuspended = false
        upgradeAsked = nil
        isConnect = false
        hasGRPCTimeout = false
        isGRPCDeadline = false
        hasGRPCDeadlinePassed = false
        isTCP = false
        isTunnel = false
        tunnelIdleMilliseconds = Limits.tunnelIdleTimeoutMilliseconds
        isRequestComplete = false
        spareTee = takeTee() ?? spareTee
        primaryReader = -1
        replayReader = -1
        isReplayLost = false
        isUploadPaused = false
        requestTrailers = nil
        attempts = 0
        retriesLeft = 0
        usedFreeRetry = false
        routeDeadline = .max
        attemptDeadline = .max
        backoffDeadline = .max
        tunnelDeadline = .max
        deadline = .max
        isAnswerStarted = false
        isAnswerComplete = false
        isForwardedInformational = false
        status = 0
        outcome = .completed
        extraFlags = []
        upstreamTLSFault = nil
        details = "via_upstream"
        tally = Tally()
        requestCompleteNanoseconds = 0
        upstreamServiceMilliseconds = -1
        bytesReceived = 0
        answerHeadBytes = 0
        bytesSent = 0
        lastEndpoint = -1
        call.reset()
    }

    /// Takes the tee out, made new; nil when a mirror, or somebody who is at work with it, holds it still.
    private func takeTee() -> BodyTee? {
        defer { tee = nil }
        guard isKnownUniquelyReferenced(&tee) else { return nil }
        tee?.reset()
        return tee
    }

    // MARK: - The call's news

    override func callReady(_ call: UpstreamCall) {
        if isConnect || isTCP { rawConnected() }
        pump()
    }
    override func callWritable(_ call: UpstreamCall) { uploadDrained() }
    override func callInformational(_ call: UpstreamCall, _ head: Head) { informational(head) }

    override func callHead(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) {
        answerHead(head, framing: framing, end: end)
    }

    override func callData(_ call: UpstreamCall, _ bytes: UnsafeRawBufferPointer) -> Bool { answerData(bytes) }
    override func callEnd(_ call: UpstreamCall, trailers: Head?) { answerEnd(trailers: trailers) }
    override func callHalfEnd(_ call: UpstreamCall) { tunnelAnswerEnded() }

    override func callFailed(_ call: UpstreamCall, _ failure: CallFailure) {
        attemptFailed(failure)
        if isActive { armDeadline() }
    }

    // MARK: - Time

    /// Arms the handler for the next of its deadlines.
    func armDeadline() {
        let next = min(
            min(min(routeDeadline, tunnelDeadline), min(attemptDeadline, backoffDeadline)), tally.reportAt)
        if next != .max { worker.loop.arm(self, deadline: next) } else { deadline = .max }
    }

    override func onDeadline() {
        guard isActive else { return }
        let now = worker.loop.now
        if now >= tally.reportAt { report() }
        if now >= routeDeadline { return routeTimedOut() }
        if now >= tunnelDeadline { return tunnelWasIdle() }
        if now >= attemptDeadline {
            attemptDeadline = .max
            worker.metrics.add(.attemptTimeouts)
            call.timedOut()
            attemptFailed(CallFailure(kind: .perTryTimeout, sentBytes: true))
        } else if now >= backoffDeadline {
            backoffDeadline = .max
            if let use { attempt(use) }
        }
        if isActive { armDeadline() }
        worker.flush()
    }

    private func routeTimedOut() {
        routeDeadline = .max
        hasGRPCDeadlinePassed = isGRPCDeadline
        worker.metrics.add(.requestTimeouts)
        if call.state != .idle { call.timedOut() }
        outcome = Outcome(.config, isAnswerStarted ? .answer : .wait, .timedOut)
        if isAnswerStarted {
            abortAnswer()
        } else {
            details = isGRPCDeadline ? "upstream_max_stream_duration_reached" : "response_timeout"
            reply(
                status: 504, body: isGRPCDeadline ? "downstream duration timeout" : "upstream request timeout")
        }
        worker.flush()
    }

    // MARK: - The end

    /// Everything about this exchange is over: it is recorded and its object goes back to the worker, which keeps it alive at
    /// least until the caller's turn ends. `tellsDownstream`: false when the connection knows already.
    func finish(tellsDownstream: Bool = true) {
        guard isActive else { return }
        isActive = false
        if call.state != .idle { call.cancel() }
        releaseRetrySlot()
        if let tee {
            if primaryReader >= 0 { tee.removeReader(primaryReader) }
            if replayReader >= 0 { tee.removeReader(replayReader) }
            if !isRequestComplete { tee.abort() }
        }
        record()
        let connection = tellsDownstream ? downstream : nil
        let stream = stream
        use?.end()
        worker.give(self)
        connection?.exchangeEnded(stream)
    }

    func releaseRetrySlot() {
        guard holdsRetrySlot else { return }
        holdsRetrySlot = false
        if let cluster = call.cluster { worker.releaseRetry(cluster) }
    }
}
