import Clusters
import Plan
import Routing
import Telemetry
import Wire

// What is kept of a request, or a connection of bytes, when it is over.
extension Exchange {
    /// Counts it and writes its log line.
    func record() {
        guard use != nil else { return }
        endMirrors()
        var flags = extraFlags.contains(.noCluster) ? extraFlags : outcome.flags.union(extraFlags)
        if status == 0, outcome.who == .client { flags.insert(.downstreamClosed) }
        let now = worker.loop.nowNanoseconds
        let duration = now > startedNanoseconds ? now - startedNanoseconds : 0
        if isTCP { recordConnection(flags) } else { recordRequest(flags, duration) }
        if worker.logsAccess { worker.writeAccessLine(self, flags: flags, durationMilliseconds: duration / 1_000_000) }
    }

    private func recordRequest(_ flags: ResponseFlags, _ nanoseconds: UInt64) {
        let key = seriesKey(flags: flags)
        worker.metrics.record(
            key, durationMicroseconds: nanoseconds / 1000, requestBytes: bytesReceived + UInt64(requestHeadBytes),
            responseBytes: bytesSent + UInt64(answerHeadBytes))
        if tally.isGRPC { reportMessages(key) }
    }

    private func recordConnection(_ flags: ResponseFlags) {
        countOpening()
        let key = seriesKey(flags: flags)
        reportBytes(key)
        worker.metrics.countTCPClosed(key)
    }

    // MARK: - Labels

    /// The labels, as far as they are known. While it is under way: with no flags, and no status of gRPC yet.
    func seriesKey(flags: ResponseFlags) -> SeriesKey {
        guard let labels = use?.generation.labels else { return isTCP ? .overflowTCP : .overflow }
        let kind: SeriesKey.WireProtocol = isTCP ? .tcp : tally.isGRPC ? .grpc : .http
        let code = isTCP ? 0 : Int(status)
        let grpcStatus = tally.grpcStatus >= 0 ? Int(tally.grpcStatus) : nil
        guard role == .inbound else {
            return SeriesKey(
                destination: labels.destination(cluster: clusterIndex, endpoint: lastEndpoint),
                source: labels.source(endpoint: lastEndpoint), responseCode: code, flags: flags, reporter: .source,
                protocol: kind, grpcStatus: grpcStatus)
        }
        let client = downstream?.client
        return SeriesKey(
            destination: labels.inboundDestination(
                cluster: clusterIndex, endpoint: lastEndpoint, isSecured: client?.ownIdentity != nil),
            source: client.map { worker.sourceLabels(of: $0) } ?? 0, responseCode: code, flags: flags,
            reporter: .destination, protocol: kind, security: client?.isMutual == true ? .mutualTLS : .none,
            grpcStatus: grpcStatus)
    }
}

extension Worker {
    /// The number of a client among the sources of metrics, looked up once a connection; 0 without an identity.
    func sourceLabels(of client: Client) -> Int {
        if client.sourceLabels < 0 {
            client.sourceLabels = client.principal.map { shared.labels.number(peer: $0) } ?? 0
        }
        return client.sourceLabels
    }

    /// The labels of a request that was refused before it became an exchange.
    func refusalKey(_ client: Client, _ role: ListenerSpec.Role, status: Int) -> SeriesKey {
        guard let labels = generation?.generation.labels else { return .overflow }
        guard role == .inbound else {
            return SeriesKey(
                destination: labels.destination(cluster: -1, endpoint: -1), source: labels.source(endpoint: -1),
                responseCode: status, flags: .downstreamProtocol, reporter: .source)
        }
        return SeriesKey(
            destination: labels.inboundDestination(cluster: -1, endpoint: -1, isSecured: client.ownIdentity != nil),
            source: sourceLabels(of: client), responseCode: status, flags: .downstreamProtocol, reporter: .destination,
            security: client.isMutual ? .mutualTLS : .none)
    }
}
