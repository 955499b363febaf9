import TLS

/// What the certificates of a plan came to: a context for each settings that could be honoured. Settings without one are
/// quarantined: connections that need them are closed, never served in plain text.
package struct TLSContexts: Sendable {
    package var servers: [TLSServerSettings: TLSServerContext]
    package var clients: [TLSClientSettings: TLSClientContext]

    package init(
        servers: [TLSServerSettings: TLSServerContext] = [:], clients: [TLSClientSettings: TLSClientContext] = [:]
    ) {
        self.servers = servers
        self.clients = clients
    }
}
