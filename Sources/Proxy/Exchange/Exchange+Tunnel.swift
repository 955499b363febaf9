import HTTP1
import Telemetry
import Wire

// An exchange whose two sides agreed on another protocol: bytes pass both ways, with backpressure, until both sides have ended. The
// request's side is its body from then on, the answer's side the answer's body.
extension Exchange {
    /// The protocol that this head asks to change to. `h2c` concerns one connection and is ignored, also among others and in an
    /// extended CONNECT: an endpoint that agreed to it would take requests that no route was found for.
    func askedUpgrade(_ head: Head) -> Slice? {
        let isExtended = !head.connectProtocol.isEmpty
        guard isExtended || head.has(.upgrade) && isRequestComplete,
            let asked = isExtended ? head.connectProtocol : HopByHop.upgrade(head)
        else { return nil }
        return HopByHop.contains(asked, "h2c", in: head) ? nil : asked
    }

    /// The endpoint agreed: the request goes on, without a time limit but that of idleness.
    func openTunnel() {
        isTunnel = true
        isRequestComplete = false
        routeDeadline = .max
        attemptDeadline = .max
        if tee == nil { makeTee() }
        worker.metrics.add(.tunnels)
        tunnelActiveAt = worker.loop.now
        armTunnel()
    }

    func armTunnel() {
        guard tunnelIdleMilliseconds > 0 else { return }
        tunnelDeadline = tunnelActiveAt + UInt64(tunnelIdleMilliseconds)
        armDeadline()
    }

    /// The time of an idle tunnel is up, unless bytes passed since it was set.
    func tunnelWasIdle() {
        guard worker.loop.now >= tunnelActiveAt + UInt64(tunnelIdleMilliseconds) else { return armTunnel() }
        outcome = Outcome(.config, .answer, .timedOut)
        extraFlags.insert(.streamIdle)
        details = "stream_idle_timeout"
        abortAnswer()
        worker.flush()
    }

    /// The endpoint sends no more; what the client sends still goes there.
    func tunnelAnswerEnded() {
        guard isActive, !isAnswerComplete else { return }
        isAnswerComplete = true
        downstream?.sendEnd(stream, trailers: nil)
        downstream?.flushStream()
    }
}
