import Routing
import TLS
import Wire

/// One way in which a listener treats connections (Envoy's filter chain): which ones, whether TLS ends here, and what their bytes
/// are. Which chain takes a connection is `ListenerSpec.chain(for:)`'s to say.
package struct ChainSpec: Hashable, Sendable {
    package enum Transport: String, Hashable, Sendable { case any, plain, tls }

    /// What the first plain bytes must look like.
    package enum Application: String, Hashable, Sendable { case any, http, other }

    package enum Action: Hashable, Sendable {
        /// HTTP of any version; an index into `Plan.routeConfigurations`.
        case http(routes: Int)
        /// Bytes that are passed on.
        case tcp(TCPRouteSpec)
    }

    /// Stable over generations, unique in its listener: `http`, `tcp`, `mtls-http`, `sni-a.example`.
    package var name: String
    /// Lower case, `*.suffix` or exact; empty: any name, also none.
    package var serverNames: [String]
    package var transport: Transport
    /// The client must offer one of them; empty: any or none.
    package var alpn: [String]
    package var application: Application
    /// Where the connection was going to; empty: anywhere.
    package var destinations: [Subnet]
    /// Ends TLS; nil: the bytes are taken as they come. Without certificates the chain is quarantined: see `isQuarantined`.
    package var tls: TLSServerSettings?
    package var action: Action
    /// `file:line`.
    package var origin: String

    package init(
        name: String, serverNames: [String] = [], transport: Transport = .any, alpn: [String] = [],
        application: Application = .any, destinations: [Subnet] = [], tls: TLSServerSettings? = nil, action: Action,
        origin: String = ""
    ) {
        self.name = name
        self.serverNames = serverNames
        self.transport = transport
        self.alpn = alpn
        self.application = application
        self.destinations = destinations
        self.tls = tls
        self.action = action
        self.origin = origin
    }
}

/// Where the bytes of a connection go: one choice for its life.
package struct TCPRouteSpec: Hashable, Sendable {
    package struct Destination: Hashable, Sendable {
        package var cluster: ClusterReference
        package var weight: Int

        package init(cluster: ClusterReference, weight: Int = 1) {
            self.cluster = cluster
            self.weight = weight
        }
    }

    /// At least one; weights above 0. A cluster that is not known means: the connection is closed.
    package var destinations: [Destination]
    /// Without a byte in either direction the connection ends; 0: never.
    package var idleTimeoutMilliseconds: Int
    package var provenance: Provenance

    package init(destinations: [Destination], idleTimeoutMilliseconds: Int, provenance: Provenance) {
        self.destinations = destinations
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.provenance = provenance
    }
}
