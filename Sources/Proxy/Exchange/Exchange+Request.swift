import Clusters
import HTTP1
import Plan
import Routing
import Telemetry
import Wire

// From a head to an attempt: sanitise, decide, filters, forward.
extension Exchange {
    /// A request's head is complete and stands in `requestHead`.
    func begin(_ connection: ServerConnection, stream: UInt32, framing: BodyFraming, end: Bool) {
        isActive = true
        downstream = connection
        self.stream = stream
        requestFraming = framing
        isRequestComplete = end
        startedNanoseconds = worker.loop.nowNanoseconds
        if end { requestCompleteNanoseconds = startedNanoseconds }
        worker.metrics.add(.downstreamRequests)
        guard let current = worker.generation else { return }
        current.begin()
        use = current
        let position = worker.listenerPosition(connection.listenerID)
        listener = position
        guard position >= 0 else {
            outcome = Outcome(.config, .route, .missing)
            details = "route_not_found"
            return reply(status: 404, body: "")
        }
        role = worker.listenerRole(position)
        draw = worker.random.next()
        guard sanitise(connection) else { return }
        decide()
    }

    /// Looks up the route and goes through the filters.
    private func decide() {
        guard let use else { return }
        needsDecision = false
        decision = use.routes.decide(worker.routeConfiguration(listener), requestHead, draw: draw)
        switch decision.outcome {
        case .route: route = use.routes.route(decision.route)
        case .noVirtualHost, .noRoute:
            outcome = Outcome(.config, .route, .missing)
            details = "route_not_found"
            return reply(status: 404, body: "")
        case .requiresTLS: return replyFromTable()
        }
        runFilters()
    }

    private func runFilters() {
        while filterPosition < worker.filters.count {
            let filter = worker.filters[filterPosition]
            filterPosition += 1
            switch filter.onRequest(self) {
            case .proceed: continue
            case .answered: return
            case .suspend:
                isSuspended = true
                return
            }
        }
        if needsDecision { return decide() }
        act()
    }

    /// Goes on behind the filter that suspended.
    func resumeFilters() {
        guard isActive, isSuspended else { return }
        isSuspended = false
        runFilters()
        if isActive { pump() }
        worker.flush()
    }

    /// Does what the route says.
    private func act() {
        guard let use else { return }
        guard route.action == .forward else { return replyFromTable() }
        let target = Int(use.routes.cluster(of: decision.destination))
        if let upgrade = upgradeAsked, refuses(upgrade) {
            outcome = Outcome(.config, .filter, .denied)
            details = "upgrade_failed"
            return reply(status: 403, body: "")
        }
        if target == -1 {
            outcome = Outcome(.config, .filter, .missing)
            extraFlags = .noCluster
            details = "cluster_not_found"
            return reply(status: 503, body: "")
        }
        clusterIndex = target
        retriesLeft = target < 0 ? 0 : Int(use.routes.retryPolicy(decision.route).attempts)
        prepareHead(use)
        if requestFraming != .none, !isRequestComplete { makeTee(use) }
        startRouteTimer()
        attempt()
    }

    /// `Upgrade: h2c` is ignored and stripped; every other upgrade is refused.
    private func refuses(_ upgrade: Slice) -> Bool {
        let bytes = requestHead.bytes(upgrade)
        if bytes.count == 3, equalIgnoringCase(UnsafePointer(requestHead.storage + upgrade.start), Self.h2c.utf8Start, count: 3) {
            return false
        }
        return true
    }

    private static let h2c: StaticString = "h2c"

    // MARK: - Attempts

    /// Starts the first or the next attempt.
    func attempt() {
        guard let use else { return }
        attempts += 1
        if attempts > 1, let tee, replayReader >= 0 { tee.rewind(primaryReader) }
        setAttemptHeaders()
        let end = isRequestComplete && (tee?.end ?? 0) == 0 && requestTrailers == nil && requestFraming == .none
        if clusterIndex < 0 { return attemptPassthrough(end: end) }
        let policy = use.routes.retryPolicy(decision.route)
        let failure = call.start(
            cluster: clusterIndex, of: use, head: requestHead, framing: requestFraming, end: end,
            avoidTried: policy.ignoresPreviousHosts)
        lastEndpoint = call.endpointIndex
        if let failure { return attemptFailed(failure) }
        if attempts == 1 { startMirrors(use) }
        if isRequestComplete { startAttemptTimer() }
    }

    private func startAttemptTimer() {
        guard let use, clusterIndex >= 0, isActive else { return }
        let perTry = Int(use.routes.retryPolicy(decision.route).perTryTimeoutMilliseconds)
        guard perTry > 0, route.timeoutMilliseconds < 0 || perTry < Int(route.timeoutMilliseconds) else { return }
        attemptDeadline = worker.loop.now + UInt64(perTry)
        armDeadline()
    }

    private func startRouteTimer() {
        guard isRequestComplete, route.timeoutMilliseconds > 0 else { return }
        routeDeadline = worker.loop.now + UInt64(route.timeoutMilliseconds)
        armDeadline()
    }

    // MARK: - The body

    private func makeTee(_ use: GenerationUse) {
        let tee = BodyTee(pool: worker.buffers)
        primaryReader = tee.addReader()
        if retriesLeft > 0 || requestHead.method.isIdempotent { replayReader = tee.addReader() }
        self.tee = tee
    }

    /// A part of the request's body.
    func requestData(_ bytes: UnsafeRawBufferPointer) {
        bytesReceived += UInt64(bytes.count)
        guard isActive, !isAnswerComplete else { return }
        guard let tee else { return }
        if call.isActive, replayReader < 0, !hasMirrors, tee.lag(primaryReader) == 0 {
            // Nobody else reads along and nothing waits: straight through.
            if !call.send(bytes) { pauseUpload() }
            return
        }
        tee.append(bytes)
        if replayReader >= 0, tee.count > Limits.replayBytesMax { loseReplay() }
        pump()
        pumpMirrors()
    }

    /// The request is complete.
    func requestEnd(trailers: Head?) {
        guard isActive else { return }
        isRequestComplete = true
        requestCompleteNanoseconds = worker.loop.nowNanoseconds
        if let trailers { requestTrailers = trailers.copy() }
        tee?.complete()
        if isSuspended { return }
        startRouteTimer()
        if call.state != .idle { startAttemptTimer() }
        pump()
        pumpMirrors()
    }

    /// Sends the attempt what it has not had yet.
    func pump() {
        guard let tee, call.isActive, isActive else { return }
        var goesOn = true
        while goesOn {
            let piece = tee.piece(primaryReader)
            if piece.isEmpty { break }
            // The tee keeps the piece while the call copies or sends it.
            goesOn = call.send(piece)
            tee.advance(primaryReader, by: piece.count)
        }
        if tee.lag(primaryReader) == 0, isRequestComplete { call.sendEnd(trailers: requestTrailers) }
        if !goesOn || tee.lag(primaryReader) > Limits.pendingHighBytes { pauseUpload() }
        else if tee.lag(primaryReader) <= Limits.pendingLowBytes { resumeUpload() }
    }

    private func pauseUpload() {
        guard !isUploadPaused else { return }
        isUploadPaused = true
        downstream?.pause(stream)
    }

    private func resumeUpload() {
        guard isUploadPaused else { return }
        isUploadPaused = false
        downstream?.resume(stream)
    }

    /// The body outgrew what is held for replay: the request goes on without retries.
    private func loseReplay() {
        guard let tee, replayReader >= 0 else { return }
        tee.removeReader(replayReader)
        replayReader = -1
        isReplayLost = true
    }

    /// An answer's head arrived: nothing is sent again, so nothing is held for that.
    func dropReplay() {
        guard let tee, replayReader >= 0 else { return }
        tee.removeReader(replayReader)
        replayReader = -1
    }

    /// The endpoint takes bytes again.
    func uploadDrained() {
        pump()
        if isUploadPaused, (tee?.lag(primaryReader) ?? 0) <= Limits.pendingLowBytes { resumeUpload() }
    }

    /// The client is gone or broke the protocol in the middle of its body.
    func requestReset(_ reason: ResetReason) {
        guard isActive else { return }
        downstream = nil
        outcome = Outcome(
            .client, isAnswerStarted ? .answer : isRequestComplete ? .wait : .body,
            reason == .malformed ? .malformed : reason == .timedOut ? .timedOut : .closed)
        details = reason == .malformed ? "http1.codec_error" : "downstream_remote_disconnect"
        if reason == .malformed, !isAnswerStarted { status = 400 }
        finish()
    }
}
