import Istio

/// A service as routing sees it, whether Kubernetes or a ServiceEntry declares it.
struct MeshService {
    struct Port: Equatable {
        var number: Int
        var name: String
        var speaks: PortProtocol
        /// nil: the same as `number`.
        var target: PortReference?

        /// Whether a sidecar's tables of connections may lead to it.
        var isStream: Bool { speaks != .udp }

        /// Declared HTTP or undeclared: routed by Host here.
        var isRouted: Bool { speaks.isHTTP || speaks == .auto }
    }

    /// How endpoints are known.
    enum Discovery: Equatable {
        /// Addresses that resources name.
        case listed
        /// Names, of which every address is an endpoint.
        case dns
        /// Names, of which the first address is the endpoint.
        case dnsFirst
        /// Where the client wanted to go: `NONE`, `DYNAMIC_DNS`.
        case original
    }

    /// One resource's share: several ServiceEntries may speak of one host.
    struct Source {
        var ports: [Port]
        /// Inline endpoints of a ServiceEntry.
        var endpoints: [Workload] = []
        /// nil: selects nothing.
        var selector: [String: String]?
        var id: ResourceID
        var location: SourceLocation
    }

    var hostname: String
    var name: String
    var namespace: String
    var isKubernetes: Bool
    var isHeadless = false
    var publishesUnready = false
    var discovery: Discovery
    var ports: [Port]
    /// Virtual addresses, under which clients may name it too.
    var addresses: [String]
    /// Outside the mesh: nobody there speaks its mutual TLS.
    var isExternal = false
    /// Names that its endpoints' certificates may carry.
    var subjectAltNames: [String] = []
    var exportTo: ExportSet
    var sources: [Source]

    var id: ResourceID { sources[0].id }
    var location: SourceLocation { sources[0].location }

    func port(_ number: Int) -> Port? { ports.first { $0.number == number } }
}
