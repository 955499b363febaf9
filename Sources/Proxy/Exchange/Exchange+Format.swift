import Routing
import Wire

// The facts that header formats may ask for.
extension Exchange {
    /// Made only for routes that edit heads. `answer` is the answer's head when answers are edited.
    func formatContext(_ answer: Head?) -> FormatContext {
        var context = FormatContext()
        context.protocolVersion = requestHead.isHTTP2 ? .http2 : requestHead.minorVersion == 0 ? .http10 : .http11
        if let downstream {
            context.downstreamDirectRemote = PeerAddress(downstream.client.remote)
            context.downstreamRemote = context.downstreamDirectRemote
            context.downstreamLocal = PeerAddress(downstream.client.local)
            context.connectionID = downstream.client.id
            describeHandshake(downstream, in: &context)
        }
        let elapsed = worker.loop.nowNanoseconds &- startedNanoseconds
        context.startTimeMicroseconds = Int64(worker.loop.realtimeMilliseconds) * 1000 - Int64(elapsed / 1000)
        context.bytesReceived = Int64(bytesReceived)
        if let value = requestHead.value(of: .xRequestID) { context.streamID = requestHead.bytes(value) }
        guard answer != nil, let use else { return context }
        if lastEndpoint >= 0 { context.upstream = PeerAddress(use.clusters.address(of: lastEndpoint)) }
        if clusterIndex >= 0 { context.upstreamCluster = use.clusters.nameBytes(of: clusterIndex) }
        context.attemptCount = attempts
        context.durationMilliseconds = Int64(elapsed / 1_000_000)
        context.bytesSent = Int64(bytesSent)
        context.responseCodeDetails = UnsafeRawBufferPointer(start: details.utf8Start, count: details.utf8CodeUnitCount)
        return context
    }

    private func describeHandshake(_ downstream: ServerConnection, in context: inout FormatContext) {
        let client = downstream.client
        guard client.isTLS || client.facts.serverName != nil else { return }
        let texts = client.handshakeTexts ?? HandshakeTexts(client, session: downstream.tls)
        client.handshakeTexts = texts
        context.requestedServerName = texts.serverName
        context.peerURISAN = texts.peerURIs
        context.peerSubject = texts.peerSubject
        context.tlsVersion = texts.version
        context.tlsCipher = texts.cipher
    }
}
