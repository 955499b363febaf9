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
        requestHeadBytes = requestHead.storageUsed
        tally.begin(requestHead)
        if end { requestCompleteNanoseconds = startedNanoseconds }
        worker.metrics.add(.downstreamRequests)
        guard let current = worker.generation else { return }
        current.begin()
        use = current
        let position = worker.listenerPosition(connection.client.listenerID)
        listener = position
        guard position >= 0 else {
            outcome = Outcome(.config, .route, .missing)
            details = "route_not_found"
            return reply(status: 404, body: "")
        }
        role = worker.listenerRole(position)
        let chain = worker.servingChain(of: connection.client)
        routes = chain >= 0 ? worker.listeners.chains[chain].routes : -1
        guard routes >= 0 else {
            // The listener does not serve connections like this one any more: the client should come on a new one.
            connection.drain()
            outcome = Outcome(.config, .route, .missing)
            details = "filter_chain_not_found"
            return reply(status: 404, body: "")
        }
        draw = worker.random.next()
        guard sanitise(connection) else { return }
        decide(current)
    }

    /// Looks up the route and goes through the filters.
    private func decide(_ use: GenerationUse) {
        needsDecision = false
        decision = use.routes.decide(routes, requestHead, draw: draw)
        switch decision.outcome {
        case .route: route = use.routes.route(decision.route)
        case .noVirtualHost, .noRoute:
            outcome = Outcome(.config, .route, .missing)
            details = "route_not_found"
            return reply(status: 404, body: "")
        case .requiresTLS: return replyFromTable()
        }
        runFilters(use)
    }

    private func runFilters(_ use: GenerationUse) {
        while filterPosition < worker.filters.count {
            let filter = worker.filters[filterPosition]
            filterPosition += 1
            switch filter.onRequest(self) {
            case .proceed: continue
            case .answered: return
            case .suspend:
                isSuspended = true
                if !isRequestComplete { pauseUpload() }
                return
            }
        }
        if needsDecision { return decide(use) }
        act(use)
    }

    /// Goes on behind the filter that suspended.
    func resumeFilters() {
        guard isActive, isSuspended, let use else { return }
        isSuspended = false
        runFilters(use)
        if isActive { pump() }
        worker.flush()
    }

    /// Does what the route says.
    private func act(_ use: GenerationUse) {
        guard route.action == .forward else { return isConnect ? refuseConnect() : replyFromTable() }
        let target = Int(use.routes.cluster(of: decision.destination))
        if target == -1 {
            outcome = Outcome(.config, .filter, .missing)
            extraFlags = .noCluster
            details = "cluster_not_found"
            return reply(status: 503, body: "")
        }
        clusterIndex = target
        retriesLeft = target < 0 ? 0 : Int(use.routes.retryPolicy(decision.route).attempts)
        prepareHead(use)
        if upgradeAsked != nil { WebSocketFields.addKey(to: requestHead) { worker.random.next() } }
        if tee == nil, !isRequestComplete { makeTee() }
        keepForReplay()
        if requestHead.has(.grpcTimeout) { startGRPCTimer() }
        startRouteTimer()
        attempt(use)
    }

    // MARK: - Attempts

    /// Starts the first or the next attempt.
    func attempt(_ use: GenerationUse) {
        attempts += 1
        if attempts > 1, let tee, replayReader >= 0 { tee.rewind(primaryReader) }
        setAttemptHeaders()
        if clusterIndex < 0 { return attemptPassthrough() }
        let policy = use.routes.retryPolicy(decision.route)
        // Mirrors read the body from its first byte, whatever the endpoint got by then.
        let held = attempts == 1 && !route.mirrors.isEmpty ? tee?.addReader() : nil
        let failure = call.start(
            cluster: clusterIndex, of: use, head: requestHead, framing: requestFraming, end: endsWithHead,
            avoidTried: policy.ignoresPreviousHosts, isRaw: isConnect)
        lastEndpoint = call.endpointIndex
        if attempts == 1, failure == nil { startMirrors(use) }
        if let held { tee?.removeReader(held) }
        if let failure { return attemptFailed(failure) }
        pump()
        if isRequestComplete { startAttemptTimer(use) }
    }

    private func startAttemptTimer(_ use: GenerationUse) {
        guard clusterIndex >= 0, isActive else { return }
        let perTry = Int(use.routes.retryPolicy(decision.route).perTryTimeoutMilliseconds)
        guard perTry > 0, route.timeoutMilliseconds < 0 || perTry < Int(route.timeoutMilliseconds) else { return }
        attemptDeadline = worker.loop.now + UInt64(perTry)
        armDeadline()
    }

    private func startRouteTimer() {
        guard isRequestComplete, route.timeoutMilliseconds > 0, !hasGRPCTimeout else { return }
        routeDeadline = worker.loop.now + UInt64(route.timeoutMilliseconds)
        armDeadline()
    }

    /// A call's own deadline counts from its head, within the route's timeout. At its end the answer is DEADLINE_EXCEEDED, as the
    /// endpoint's would be; Envoy says so only where the call arrives, and UNAVAILABLE on the way out.
    private func startGRPCTimer() {
        guard GRPC.isCall(requestHead), var limit = GRPC.timeout(requestHead) else { return }
        isGRPCDeadline = true
        if role != .inbound, route.timeoutMilliseconds > 0, limit > UInt64(route.timeoutMilliseconds) {
            limit = UInt64(route.timeoutMilliseconds)
            isGRPCDeadline = false
        }
        hasGRPCTimeout = true
        routeDeadline = worker.loop.now + limit
        armDeadline()
    }

    // MARK: - The body

    /// Whether the request has no body: one with a body has a tee until its end.
    var endsWithHead: Bool { isRequestComplete && tee == nil }

    func makeTee() {
        let tee = spareTee ?? BodyTee(pool: worker.buffers)
        spareTee = nil
        primaryReader = tee.addReader()
        self.tee = tee
    }

    /// Holds the body's bytes where the request may be sent again. Called before the first attempt.
    private func keepForReplay() {
        guard let tee, retriesLeft > 0 || requestHead.method.isIdempotent else { return }
        replayReader = tee.addReader()
    }

    /// A part of the request's body.
    func requestData(_ bytes: UnsafeRawBufferPointer) {
        bytesReceived += UInt64(bytes.count)
        if tally.isWatched { watchRequest(bytes) }
        guard isActive, !isAnswerComplete || isTunnel else { return }
        if isTunnel { tunnelActiveAt = worker.loop.now }
        // What comes while a filter thinks about the head waits as well.
        if tee == nil { makeTee() }
        guard let tee else { return }
        if call.isActive, !hasMirrors, tee.lag(primaryReader) == 0 {
            // Nobody else reads along and nothing waits: straight through, in pieces as large as they came.
            keepPassing(bytes, in: tee)
            if !call.send(bytes) { pauseUpload() }
            return
        }
        tee.append(bytes)
        if replayReader >= 0, outgrowsReplay(tee.count) { loseReplay() }
        pump()
        pumpMirrors()
    }

    /// The request is complete.
    func requestEnd(trailers: Head?) {
        guard isActive else { return }
        isRequestComplete = true
        requestCompleteNanoseconds = worker.loop.nowNanoseconds
        if let trailers { requestTrailers = trailers.copy() }
        if tee == nil { makeTee() }
        tee?.complete()
        if isSuspended { return }
        if isTunnel { return pump() }
        startRouteTimer()
        if call.state != .idle, let use { startAttemptTimer(use) }
        pump()
        pumpMirrors()
    }

    /// Sends the attempt what it has not had yet, and has the client wait while too much is held for an endpoint that is slow, or
    /// not there yet.
    func pump() {
        guard let tee, isActive, !isSuspended else { return }
        var goesOn = true
        if call.isActive {
            while goesOn {
                let piece = tee.piece(primaryReader)
                if piece.isEmpty { break }
                // The tee keeps the piece while the call copies or sends it.
                goesOn = call.send(piece)
                if replayReader < 0 { isReplayLost = true }
                tee.advance(primaryReader, by: piece.count)
            }
            if tee.lag(primaryReader) == 0, isRequestComplete { call.sendEnd(trailers: requestTrailers) }
            // A tunnel whose endpoint had ended its half is over with that, and this exchange may be another request's.
            guard isActive, self.tee === tee else { return }
        }
        if !goesOn || tee.lag(primaryReader) > Limits.pendingHighBytes {
            pauseUpload()
        } else if tee.lag(primaryReader) <= Limits.pendingLowBytes {
            resumeUpload()
        }
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

    /// Holds bytes that go straight to the endpoint where they may be sent again.
    private func keepPassing(_ bytes: UnsafeRawBufferPointer, in tee: BodyTee) {
        guard replayReader >= 0 else {
            isReplayLost = true
            return
        }
        if outgrowsReplay(tee.count + bytes.count) { return loseReplay() }
        tee.append(bytes)
        tee.advance(primaryReader, by: bytes.count)
    }

    private func outgrowsReplay(_ count: Int) -> Bool {
        count > Limits.replayBytesMax
            || count > Limits.replaySmallBytesMax && worker.buffers.bytesOut > Limits.replayWorkerBytesMax
    }

    /// The body outgrew what is held for replay: the request goes on without retries.
    private func loseReplay() {
        guard let tee, replayReader >= 0 else { return }
        // A retry that is waited for was promised the whole body.
        if call.state == .idle { tee.rewind(primaryReader) }
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
        outcome = Outcome(
            .client, isAnswerStarted ? .answer : isRequestComplete ? .wait : .body,
            reason == .malformed ? .malformed : reason == .timedOut ? .timedOut : .closed)
        switch reason {
        case .malformed: details = "http1.codec_error"
        case .timedOut: details = "stream_idle_timeout"
        case .disconnected, .aborted: details = "downstream_remote_disconnect"
        }
        if reason == .malformed, !isAnswerStarted { status = 400 }
        finish(tellsDownstream: false)
    }
}
