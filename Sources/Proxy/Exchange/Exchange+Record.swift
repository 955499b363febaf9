import Clusters
import Plan
import Routing
import Telemetry
import Wire

// What is kept of a request when it is over.
extension Exchange {
    /// Counts the request and writes its log line.
    func record() {
        guard let use else { return }
        if isTCP { return recordTCP() }
        endMirrors()
        var flags = extraFlags.contains(.noCluster) ? extraFlags : outcome.flags.union(extraFlags)
        if status == 0, outcome.who == .client { flags.insert(.downstreamClosed) }
        let now = worker.loop.nowNanoseconds
        let duration = now > startedNanoseconds ? now - startedNanoseconds : 0
        let labels = use.generation.labels
        let destination =
            lastEndpoint >= 0
            ? labels.endpoint(lastEndpoint) : clusterIndex >= 0 ? labels.cluster(clusterIndex) : labels.unknown(role)
        let key = SeriesKey(
            destination: destination, source: labels.source(role), responseCode: Int(status), flags: flags,
            reporter: role == .inbound ? .destination : .source, security: security)
        worker.metrics.record(
            key, durationMicroseconds: duration / 1000, requestBytes: bytesReceived + UInt64(requestHeadBytes),
            responseBytes: bytesSent + UInt64(answerHeadBytes))
        if worker.logsAccess { worker.writeAccessLine(self, flags: flags, durationMilliseconds: duration / 1_000_000) }
    }

    // MARK: - Connections of bytes

    /// The labels of a TCP connection. `flags`: none while it is open.
    func tcpKey(flags: ResponseFlags) -> SeriesKey {
        guard let use else { return .overflow }
        let labels = use.generation.labels
        let destination =
            lastEndpoint >= 0
            ? labels.endpoint(lastEndpoint) : clusterIndex >= 0 ? labels.cluster(clusterIndex) : labels.unknown(role)
        return SeriesKey(
            destination: destination, source: labels.source(role), responseCode: 0, flags: flags,
            reporter: role == .inbound ? .destination : .source, protocol: .tcp, security: security)
    }

    /// `connection_security_policy`: known to who receives only.
    var security: SeriesKey.Security {
        guard role == .inbound else { return .unknown }
        return downstream?.client.isMutual == true ? .mutualTLS : .none
    }

    private func recordTCP() {
        let flags = extraFlags.contains(.noCluster) ? extraFlags : outcome.flags.union(extraFlags)
        let key = tcpKey(flags: flags)
        worker.metrics.addTCP(key, receivedBytes: bytesReceived, sentBytes: bytesSent)
        worker.metrics.countTCPClosed(key)
        guard worker.logsAccess else { return }
        let now = worker.loop.nowNanoseconds
        let duration = now > startedNanoseconds ? now - startedNanoseconds : 0
        worker.writeAccessLine(self, flags: flags, durationMilliseconds: duration / 1_000_000)
    }
}
