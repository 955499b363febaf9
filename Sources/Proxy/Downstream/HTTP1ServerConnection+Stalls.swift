import Telemetry
import Wire

// Requests of which nothing moves, though it is the client's turn: nobody else has a time limit for them.
extension HTTP1ServerConnection {
    /// When the request under way is given up unless something moves by then. A client that has to send its body has a limit until
    /// the answer begins; one that ended its half may be gone for good, and an endpoint that says nothing will never find out.
    var streamDeadline: UInt64 {
        let isClientsTurn = phase == .body && !answerStarted && !isPaused || phase == .answering && isHungUp
        // What waits for a slow client counts as moving while some of it leaves.
        return isClientsTurn ? max(movedAt, stalledSince) + UInt64(Limits.streamIdleTimeoutMilliseconds) : .max
    }

    /// 408 for a body that does not come, the end for an answer that does not.
    func streamTimedOut() {
        worker.metrics.add(.downstreamStreamTimeouts)
        guard phase == .body, let running = exchange else {
            breaksAtEnd = true
            return abort(.timedOut)
        }
        exchange = nil
        running.status = 408
        running.requestReset(.timedOut)
        refuse(status: 408, sentence: "stream timeout", isRecorded: true)
    }

    /// Something moved.
    func moved() { movedAt = worker.loop.now }
}
