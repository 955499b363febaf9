// Kubernetes' own resources, as far as a proxy reads them.

/// A number or a name (`targetPort`, a container's port).
package enum PortReference: Hashable, Sendable {
    case number(Int)
    case name(String)
}

/// `v1` Service.
package struct Service: Hashable, Sendable {
    package struct Port: Hashable, Sendable {
        package var name = ""
        package var port = 0
        /// nil: same as `port`.
        package var targetPort: PortReference?
        package var `protocol` = "TCP"
        package var appProtocol: String?
        package var location = SourceLocation()

        package init() {}

        /// What it speaks, by name, `appProtocol` and number.
        package var portProtocol: PortProtocol {
            PortProtocol(servicePort: port, name: name, protocol: `protocol`, appProtocol: appProtocol)
        }
    }

    package var metadata: Metadata
    /// `ClusterIP` where unset; `ExternalName` is an alias.
    package var type = "ClusterIP"
    /// `None`: headless. Empty in files that never saw an API server.
    package var clusterIP = ""
    package var clusterIPs: [String] = []
    package var externalName = ""
    package var selector: [String: String] = [:]
    package var ports: [Port] = []
    package var publishNotReadyAddresses = false

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }

    package var isHeadless: Bool { clusterIP == "None" }
}

/// `v1` Endpoints: named as its Service.
package struct Endpoints: Hashable, Sendable {
    package struct Address: Hashable, Sendable {
        package var ip = ""
        /// `targetRef` of kind Pod: the Pod's name.
        package var pod: String?
        package var nodeName = ""
        package var isReady = true
        package var location = SourceLocation()

        package init() {}
    }

    package struct Subset: Hashable, Sendable {
        /// Ready first, then `notReadyAddresses`.
        package var addresses: [Address] = []
        package var ports: [EndpointPort] = []
        package var location = SourceLocation()

        package init() {}
    }

    package var metadata: Metadata
    package var subsets: [Subset] = []

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// A port of Endpoints or of an EndpointSlice; joined with the Service's port by name.
package struct EndpointPort: Hashable, Sendable {
    package var name = ""
    package var port = 0
    package var `protocol` = "TCP"
    package var location = SourceLocation()

    package init() {}
}

/// `discovery.k8s.io/v1` EndpointSlice.
package struct EndpointSlice: Hashable, Sendable {
    package enum Health: Hashable, Sendable {
        /// `ready` is true or unset.
        case ready
        /// Not ready, and terminating or silent about it: never used.
        case terminating
        /// Not ready and not terminating: counted, never chosen.
        case unhealthy
    }

    package struct Endpoint: Hashable, Sendable {
        package var addresses: [String] = []
        package var health: Health = .ready
        /// `targetRef` of kind Pod: the Pod's name.
        package var pod: String?
        package var nodeName = ""
        package var zone = ""
        package var location = SourceLocation()

        package init() {}
    }

    package var metadata: Metadata
    /// Label `kubernetes.io/service-name`.
    package var serviceName = ""
    /// `IPv4`, `IPv6` or `FQDN`; the last is ignored.
    package var addressType = ""
    package var endpoints: [Endpoint] = []
    package var ports: [EndpointPort] = []

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// `v1` Pod: its labels select it, its addresses are endpoints, its ports have names.
package struct Pod: Hashable, Sendable {
    package struct Port: Hashable, Sendable {
        package var name = ""
        package var containerPort = 0
        package var `protocol` = "TCP"

        package init() {}
    }

    package var metadata: Metadata
    /// `status.podIP`, or the first of `podIPs`; empty where it has none yet.
    package var ip = ""
    /// Of all containers.
    package var ports: [Port] = []
    package var nodeName = ""
    package var serviceAccountName = ""
    /// `status.phase`; empty in files that never saw an API server.
    package var phase = ""
    /// `status.conditions` of type `Ready`; nil: none.
    package var isReady: Bool?

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}
