import Clusters
import HTTP1
import Plan
import Routing
import Telemetry
import Wire

// From an attempt's answer, or its failure, to what the client gets.
extension Exchange {
    /// A 1xx answer of the attempt.
    func informational(_ head: Head) {
        guard isActive, !isAnswerStarted else { return }
        isForwardedInformational = true
        HopByHop.strip(head)
        downstream?.sendInformational(stream, head)
        downstream?.flushStream()
    }

    /// The answer's head: another attempt, or what the client gets.
    func answerHead(_ head: Head, framing: BodyFraming, end: Bool) {
        guard isActive, let use else { return }
        attemptDeadline = .max
        releaseRetrySlot()
        if retriesLeft > 0, clusterIndex >= 0, head.status >= 400 || head.has(.grpcStatus),
            use.routes.isRetriable(answer: head, route: decision.route)
        {
            switch retryDecision().after(answerThatMatches: true) {
            case .retry, .retryReusedConnection:
                if acquireRetry(reachedEndpoint: true) {
                    call.cancel()
                    return scheduleRetry(.answer)
                }
                extraFlags.insert(.upstreamOverflow)
            case .no: break
            }
        } else if attempts > 1, retriesLeft == 0, clusterIndex >= 0,
            use.routes.isRetriable(answer: head, route: decision.route)
        {
            extraFlags.insert(.retriesExhausted)
        }
        forward(head, framing: framing, end: end)
    }

    /// Sends the answer's head to the client.
    private func forward(_ head: Head, framing: BodyFraming, end: Bool) {
        dropReplay()
        prepareAnswer(head)
        tally.answer(head)
        status = head.status
        isAnswerStarted = true
        if head.status == 101 {
            WebSocketFields.addAccept(to: head, request: requestHead)
            openTunnel()
        }
        downstream?.sendHead(stream, head, framing: framing, end: end)
        if end { isAnswerComplete = true }
    }

    /// A part of the answer's body. False: the client is slow.
    func answerData(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard isActive, isAnswerStarted, let downstream else { return true }
        bytesSent += UInt64(bytes.count)
        if tally.isWatched { watchAnswer(bytes) }
        if isTunnel { tunnelActiveAt = worker.loop.now }
        return downstream.sendData(stream, bytes, end: false)
    }

    /// The answer is complete.
    func answerEnd(trailers: Head?) {
        guard isActive, isAnswerStarted else { return }
        if !isAnswerComplete {
            isAnswerComplete = true
            if let trailers {
                tally.trailers(trailers)
                HopByHop.strip(trailers)
            }
            downstream?.sendEnd(stream, trailers: trailers)
        }
        downstream?.flushStream()
        finish()
    }

    /// The client takes bytes again.
    func downstreamDrained() {
        guard isActive else { return }
        call.resumeAnswer()
    }

    // MARK: - Failures

    /// An attempt ended without an answer: another one, or the answer that says so.
    func attemptFailed(_ failure: CallFailure) {
        guard isActive else { return }
        attemptDeadline = .max
        releaseRetrySlot()
        outcome = Self.outcome(of: failure)
        if failure.kind == .tlsFailure { upstreamTLSFault = failure.tlsFault }
        if isTCP { return endTCP() }
        if isAnswerStarted { return abortAnswer() }
        switch retryDecision().after(failure) {
        case .retryReusedConnection:
            usedFreeRetry = true
            worker.metrics.add(.retry, reason: RetryReason.reusedConnection.rawValue)
            worker.metrics.add(.retries)
            // At the batch's end, when the ends of other idle connections have been seen: a server that stops closes them all.
            outcome = .completed
            backoffDeadline = worker.loop.now
            armDeadline()
            return
        case .retry:
            if acquireRetry(reachedEndpoint: failure.sentBytes) { return scheduleRetry(RetryReason(failure)) }
            extraFlags.insert(.upstreamOverflow)
        case .no:
            if attempts > 1, retriesLeft == 0 { extraFlags.insert(.retriesExhausted) }
        }
        replyToFailure(failure)
    }

    func retryDecision() -> RetryDecision {
        guard let use, clusterIndex >= 0 else {
            return RetryDecision(
                conditions: [], isExplicit: false, attemptsLeft: 0, method: requestHead.method, isReplayable: false,
                usedFreeRetry: true)
        }
        let policy = use.routes.retryPolicy(decision.route)
        return RetryDecision(
            conditions: RetryPolicy.Conditions(rawValue: policy.conditions), isExplicit: policy.isExplicit,
            attemptsLeft: retriesLeft, method: requestHead.method,
            isReplayable: !isReplayLost && !isForwardedInformational && !isAnswerStarted && downstream != nil,
            usedFreeRetry: usedFreeRetry)
    }

    /// A place for a retry under the cluster's budget and limit.
    private func acquireRetry(reachedEndpoint: Bool) -> Bool {
        guard !holdsRetrySlot, let cluster = call.cluster else { return holdsRetrySlot }
        holdsRetrySlot = worker.acquireRetry(cluster, reachedEndpoint: reachedEndpoint)
        if !holdsRetrySlot { worker.metrics.add(.retriesDenied) }
        return holdsRetrySlot
    }

    private func scheduleRetry(_ reason: RetryReason) {
        guard let use else { return }
        worker.metrics.add(.retries)
        worker.metrics.add(.retry, reason: reason.rawValue)
        let policy = use.routes.retryPolicy(decision.route)
        let number = Int(policy.attempts) - retriesLeft + 1
        retriesLeft -= 1
        outcome = .completed
        let wait = Backoff.delay(
            attempt: number, base: Int(policy.backoffMilliseconds), draw: worker.random.next())
        backoffDeadline = worker.loop.now + UInt64(wait)
        armDeadline()
    }

    private static func outcome(of failure: CallFailure) -> Outcome {
        switch failure.kind {
        case .noHealthyUpstream: Outcome(.upstream, .pick, .missing)
        case .overflow: Outcome(.config, .queue, .overflow)
        case .connectFailure: Outcome(.upstream, .connect, .refused)
        case .connectTimeout: Outcome(.upstream, .connect, .timedOut)
        case .closedBeforeHead: Outcome(.upstream, .wait, .closed)
        case .closedMidAnswer: Outcome(.upstream, .answer, .closed)
        case .protocolError: Outcome(.upstream, .wait, .malformed)
        case .writeStalled: Outcome(.upstream, .body, .timedOut)
        case .perTryTimeout: Outcome(.config, .wait, .timedOut)
        case .resolveFailure: Outcome(.upstream, .pick, .missing)
        case .refusedStream, .streamReset: Outcome(.upstream, .wait, .closed)
        case .tlsFailure: Outcome(.upstream, .connect, .refused)
        case .tlsQuarantined: Outcome(.config, .connect, .denied)
        case .loop: Outcome(.config, .connect, .denied)
        case .headTooLarge: Outcome(.config, .body, .overflow)
        }
    }

    /// Breaks an answer off whose head went out already.
    func abortAnswer() {
        isAnswerComplete = true
        downstream?.reset(stream, .aborted)
        finish(tellsDownstream: false)
    }
}

/// What made another attempt, for the counter's label.
enum RetryReason: Int, CaseIterable {
    case answer, connect, reset, timeout, reusedConnection

    init(_ failure: CallFailure) {
        switch failure.kind {
        case .connectFailure, .connectTimeout, .tlsFailure: self = .connect
        case .perTryTimeout: self = .timeout
        default: self = .reset
        }
    }

    /// The label's value.
    var label: String {
        switch self {
        case .answer: "answer"
        case .connect: "connect"
        case .reset: "reset"
        case .timeout: "timeout"
        case .reusedConnection: "reused_connection"
        }
    }
}
