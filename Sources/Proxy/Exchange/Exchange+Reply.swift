import HTTP1
import Loop
import Routing
import Telemetry
import Wire

// Answers of the proxy's own.
extension Exchange {
    /// Answers with a status and a line of text (none when empty), in Envoy's words.
    func reply(status: Int, body: StaticString, isOverloaded: Bool = false) {
        let head = worker.responseHead
        LocalReply.fill(head, status: status, bodyBytes: body.utf8CodeUnitCount)
        if isOverloaded {
            head.appendField(
                name: head.append("x-envoy-overloaded"), value: head.append("true"), id: .xEnvoy)
        }
        send(head, UnsafeRawBufferPointer(start: body.utf8Start, count: body.utf8CodeUnitCount), editsAnswer: true)
    }

    /// Sends a head that was filled, and its body.
    private func send(_ head: Head, _ body: UnsafeRawBufferPointer, editsAnswer: Bool) {
        guard isActive else { return }
        if let use, editsAnswer, decision.outcome == .route, route.editsResponse {
            use.routes.applyResponse(decision, to: head, request: requestHead, context: formatContext(head))
        }
        var body = body
        if head.status < 300 || head.status >= 400, editsAnswer, GRPC.isCall(requestHead) {
            GRPC.turn(head, body: body, isDeadline: hasGRPCDeadlinePassed)
            body = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        addServerFields(head)
        tally.answer(head)
        worker.metrics.addLocalAnswer(details)
        status = head.status
        isAnswerStarted = true
        isAnswerComplete = true
        let isEmpty = body.isEmpty || requestHead.method == .head
        let framing: BodyFraming = head.has(.grpcStatus) ? .none : .length(UInt64(body.count))
        downstream?.sendHead(stream, head, framing: framing, end: isEmpty)
        if !isEmpty {
            bytesSent += UInt64(body.count)
            _ = downstream?.sendData(stream, body, end: true)
        }
        downstream?.flushStream()
        finish()
    }

    /// A redirect or a direct response of the route, or the redirect of a virtual host that wants TLS.
    func replyFromTable() {
        guard let use else { return }
        let head = worker.responseHead
        details = "direct_response"
        switch decision.outcome {
        case .requiresTLS:
            use.routes.tlsRedirectReply(request: requestHead, into: head)
            send(head, UnsafeRawBufferPointer(start: nil, count: 0), editsAnswer: false)
        default:
            if route.action == .redirect {
                use.routes.redirectReply(decision, request: requestHead, into: head, context: formatContext(nil))
                send(head, UnsafeRawBufferPointer(start: nil, count: 0), editsAnswer: true)
            } else {
                let body = use.routes.directReply(
                    decision, request: requestHead, into: head, context: formatContext(nil))
                send(head, body, editsAnswer: true)
            }
        }
    }

    /// The answer for an attempt that failed for good.
    func replyToFailure(_ failure: CallFailure) {
        switch failure.kind {
        case .noHealthyUpstream:
            details = "no_healthy_upstream"
            return reply(status: 503, body: "no healthy upstream")
        case .perTryTimeout:
            details = "upstream_per_try_timeout"
            return reply(status: 504, body: "upstream request timeout")
        case .resolveFailure:
            extraFlags.insert(.resolutionFailure)
            details = "dns_resolution_failure"
            return reply(status: 503, body: "DNS resolution failure")
        case .tlsQuarantined:
            extraFlags.insert(.upstreamConnectFailure)
            details = "tls_certificate_not_available"
            return reply(status: 503, body: "TLS with the upstream cannot be set up: a certificate cannot be used")
        case .loop:
            details = "loop_refused"
            return reply(status: 502, body: "the destination is this proxy's own listener")
        default: break
        }
        details = "upstream_reset_before_response_started"
        replyReset(failure)
    }

    /// `upstream connect error or disconnect/reset before headers. …`
    private func replyReset(_ failure: CallFailure) {
        let isProtocol = failure.kind == .protocolError
        let head = worker.responseHead
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { memory in
            var text = TextWriter(memory)
            text.append("upstream connect error or disconnect/reset before headers. ")
            if attempts > 1 { text.append("retried and the latest ") }
            text.append("reset reason: ")
            text.append(failure.reason)
            if failure.kind == .connectFailure, failure.errno != 0 {
                text.append(", transport failure reason: delayed connect error: ")
                text.append(Errno.text(failure.errno))
            }
            if let fault = failure.tlsFault {
                text.append(", transport failure reason: TLS: ")
                text.append(fault.sentence)
            }
            LocalReply.fill(head, status: isProtocol ? 502 : 503, bodyBytes: text.count)
            if failure.kind == .overflow {
                head.appendField(name: head.append("x-envoy-overloaded"), value: head.append("true"), id: .xEnvoy)
            }
            send(head, text.bytes, editsAnswer: true)
        }
    }
}
