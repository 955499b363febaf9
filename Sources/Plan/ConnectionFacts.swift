import Wire

/// What is known of a connection before a chain takes it.
package struct ConnectionFacts: Hashable, Sendable {
    /// How its first bytes look.
    package enum Transport: Hashable, Sendable { case plain, tls }

    /// `unknown`: nobody looked, or TLS hides it.
    package enum Application: Hashable, Sendable { case http, other, unknown }

    package var transport: Transport
    /// Of the ClientHello, in lower case; nil: none.
    package var serverName: String?
    /// Of the ClientHello, in the client's order.
    package var alpn: [String]
    package var application: Application
    /// Where the client wanted to go, as far as anybody knows.
    package var destination: SocketAddress?

    package init(
        transport: Transport = .plain, serverName: String? = nil, alpn: [String] = [],
        application: Application = .unknown, destination: SocketAddress? = nil
    ) {
        self.transport = transport
        self.serverName = serverName
        self.alpn = alpn
        self.application = application
        self.destination = destination
    }
}

/// What a listener must see of a connection before it can choose a chain.
package struct Inspection: Hashable, Sendable {
    /// Whether the bytes are a ClientHello, and what it says.
    package var clientHello: Bool
    /// Whether the first plain bytes are HTTP. Where the client waits for the server instead,
    /// `ProxySettings.protocolDetectionTimeoutMilliseconds` ends the wait, and they count as `other`.
    package var plainBytes: Bool

    package static let nothing = Inspection(clientHello: false, plainBytes: false)

    package init(clientHello: Bool, plainBytes: Bool) {
        self.clientHello = clientHello
        self.plainBytes = plainBytes
    }

    package var isNothing: Bool { !clientHello && !plainBytes }
}
