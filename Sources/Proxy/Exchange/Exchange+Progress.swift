import Telemetry
import Wire

// What metrics are told of calls and connections that last. What passed is told of after a while, by the next bytes or a timer that
// only bytes set: nobody wakes up for one that is idle.
extension Exchange {
    /// Bytes of the client's pass.
    func watchRequest(_ bytes: UnsafeRawBufferPointer) {
        tally.requestData(bytes)
        progress()
    }

    /// Bytes to the client pass.
    func watchAnswer(_ bytes: UnsafeRawBufferPointer) {
        tally.answerData(bytes)
        progress()
    }

    private func progress() {
        let now = worker.loop.now
        if now >= tally.reportAt { return report() }
        guard tally.reportAt == .max else { return }
        tally.reportAt = now + UInt64(Limits.metricsReportMilliseconds)
        // A call is told of by its next bytes or its end at the latest: most end long before a timer.
        if isTCP { armDeadline() }
    }

    /// Tells what passed since the last time.
    func report() {
        tally.reportAt = .max
        guard isActive, use != nil else { return }
        if isTCP { reportBytes(seriesKey(flags: [])) } else { reportMessages(seriesKey(flags: [])) }
    }

    func reportBytes(_ key: SeriesKey) {
        worker.metrics.addTCP(
            key, receivedBytes: bytesReceived - tally.reportedReceived, sentBytes: bytesSent - tally.reportedSent)
        tally.reportedReceived = bytesReceived
        tally.reportedSent = bytesSent
    }

    func reportMessages(_ key: SeriesKey) {
        let (request, response) = (tally.requestMessages.count, tally.responseMessages.count)
        worker.metrics.addMessages(
            key, request: request - tally.reportedRequestMessages, response: response - tally.reportedResponseMessages)
        tally.reportedRequestMessages = request
        tally.reportedResponseMessages = response
    }

    /// Counts a connection's beginning, once, when its destination is known.
    func countOpening() {
        guard use != nil, !tally.isOpeningCounted else { return }
        tally.isOpeningCounted = true
        worker.metrics.countTCPOpened(seriesKey(flags: []))
    }
}
