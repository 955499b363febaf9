/// Istio's VirtualService: `networking.istio.io`, `v1`, `v1beta1` or `v1alpha3`.
package struct VirtualService: Hashable, Sendable {
    package var metadata: Metadata
    /// Empty: a delegate, used only through another VirtualService's `delegate`.
    package var hosts: [String] = []
    /// Empty: `["mesh"]`.
    package var gateways: [String] = []
    package var http: [HTTPRoute] = []
    package var tls: [TLSRoute] = []
    package var tcp: [TCPRoute] = []
    package var exportTo: [String] = []

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// `tls[]`: routed by server name.
package struct TLSRoute: Hashable, Sendable {
    package var match: [L4Match] = []
    package var route: [RouteDestination] = []
    package var location = SourceLocation()

    package init() {}
}

/// `tcp[]`: routed by address and port.
package struct TCPRoute: Hashable, Sendable {
    package var match: [L4Match] = []
    package var route: [RouteDestination] = []
    package var location = SourceLocation()

    package init() {}
}

/// `tls[].match[]` and `tcp[].match[]`.
package struct L4Match: Hashable, Sendable {
    /// Only in `tls`.
    package var sniHosts: [String] = []
    package var destinationSubnets: [String] = []
    package var port: Int?
    package var sourceLabels: [String: String] = [:]
    package var sourceNamespace = ""
    package var gateways: [String] = []
    package var location = SourceLocation()

    package init() {}
}

/// `destination`: a service by name, its port and a subset.
package struct Destination: Hashable, Sendable {
    package var host = ""
    package var subset = ""
    /// `port.number`.
    package var port: Int?
    package var location = SourceLocation()

    package init() {}
}

/// `route[]`: a destination, its share of the traffic and its header operations.
package struct RouteDestination: Hashable, Sendable {
    package var destination = Destination()
    /// 0 where unset.
    package var weight = 0
    package var headers = HeaderOperations()
    package var location = SourceLocation()

    package init() {}
}

/// `headers`: what is done to the request and the response.
package struct HeaderOperations: Hashable, Sendable {
    package var request = HeaderChanges()
    package var response = HeaderChanges()

    package init() {}

    package var isEmpty: Bool { request.isEmpty && response.isEmpty }
}

/// One direction's `set`, `add` and `remove`.
package struct HeaderChanges: Hashable, Sendable {
    package var set: [HeaderValue] = []
    package var add: [HeaderValue] = []
    package var remove: [String] = []
    package var location = SourceLocation()

    package init() {}

    package var isEmpty: Bool { add.isEmpty && self.set.isEmpty && remove.isEmpty }
}

/// A header and its value, which may hold `%…%` commands. In the order of the file.
package struct HeaderValue: Hashable, Sendable {
    package var name: String
    package var value: String
    package var location: SourceLocation

    package init(name: String, value: String, location: SourceLocation = SourceLocation()) {
        self.name = name
        self.value = value
        self.location = location
    }
}
