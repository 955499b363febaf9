// Connections of bytes: Istio's `istio_tcp_*`. The keys' protocol is tcp, their response code 0; a key of another protocol would
// count into the histograms of requests.
extension WorkerMetrics {
    /// A connection began.
    package func countTCPOpened(_ key: SeriesKey) { Self.bump(tcpSeries(key) + SeriesLayout.opened, 1) }

    /// A connection ended.
    package func countTCPClosed(_ key: SeriesKey) { Self.bump(tcpSeries(key) + SeriesLayout.closed, 1) }

    /// Bytes of the client and to the client since the last time.
    package func addTCP(_ key: SeriesKey, receivedBytes: UInt64, sentBytes: UInt64) {
        let series = tcpSeries(key)
        Self.bump(series + SeriesLayout.received, receivedBytes)
        Self.bump(series + SeriesLayout.sent, sentBytes)
    }

    private func tcpSeries(_ key: SeriesKey) -> UnsafeMutablePointer<Cell> {
        precondition(key.isTCP, "a connection of bytes has a key of its own kind")
        return series(key)
    }
}
