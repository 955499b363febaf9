/// What Outrider makes of a kind of resource.
enum Kind {
    /// Decoded. `parts`: the top-level fields that are checked and the type of each.
    case served(Served)
    /// It exists, but a proxy has no use for it.
    case unused
    /// Istio's, of later work; the sentence says what does not happen.
    case unsupported(String)
    /// Of a known group, in a version that is not known.
    case wrongVersion([String])
    case unknown

    enum Served: String, CaseIterable {
        case virtualService = "VirtualService"
        case destinationRule = "DestinationRule"
        case gateway = "Gateway"
        case serviceEntry = "ServiceEntry"
        case workloadEntry = "WorkloadEntry"
        case sidecar = "Sidecar"
        case service = "Service"
        case endpoints = "Endpoints"
        case endpointSlice = "EndpointSlice"
        case pod = "Pod"
        case secret = "Secret"
        case configMap = "ConfigMap"
        case peerAuthentication = "PeerAuthentication"
        case proxy = "Proxy"
    }

    init(apiVersion: String, kind: String) {
        let parts = apiVersion.split(separator: "/", maxSplits: 1).map(String.init)
        let group = parts.count == 2 ? parts[0] : ""
        let version = parts.last ?? ""
        if let served = Served(rawValue: kind), served.group == group {
            self = served.versions.contains(version) ? .served(served) : .wrongVersion(served.apiVersions)
        } else if let shortfall = Self.later["\(group)/\(kind)"] {
            self = .unsupported(shortfall)
        } else if Self.isKubernetes(group) {
            self = .unused
        } else if group == "gateway.networking.k8s.io" {
            self = .unsupported("Outrider reads Istio's own Gateway and VirtualService")
        } else {
            self = .unknown
        }
    }

    /// Istio's kinds that have no effect yet, and what that means.
    private static let later: [String: String] = [
        "networking.istio.io/EnvoyFilter": "its filters and patches have no effect",
        "networking.istio.io/ProxyConfig": "its settings have no effect",
        "networking.istio.io/WorkloadGroup": "no workloads register by it",
        "security.istio.io/AuthorizationPolicy": "requests that it would deny are served",
        "security.istio.io/RequestAuthentication": "tokens are not looked at",
        "telemetry.istio.io/Telemetry": "metrics and logs stay as they are",
        "extensions.istio.io/WasmPlugin": "the plugin has no effect",
        "extensions.istio.io/TrafficExtension": "the extension has no effect",
        "networking.k8s.io/Ingress": "use a Gateway and a VirtualService",
    ]

    /// Groups of Kubernetes itself: core, those without a dot, and those under `k8s.io` that belong to its API server.
    private static func isKubernetes(_ group: String) -> Bool {
        guard group.contains(".") else {
            return ["", "apps", "batch", "autoscaling", "policy", "extensions"].contains(group)
        }
        return [
            "networking.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io", "apiextensions.k8s.io",
            "admissionregistration.k8s.io", "apiregistration.k8s.io", "coordination.k8s.io", "scheduling.k8s.io",
            "node.k8s.io", "certificates.k8s.io", "events.k8s.io", "discovery.k8s.io", "flowcontrol.apiserver.k8s.io",
            "kustomize.config.k8s.io", "monitoring.coreos.com", "metrics.k8s.io", "authentication.k8s.io",
            "authorization.k8s.io", "resource.k8s.io", "internal.apiserver.k8s.io",
        ].contains(group)
    }
}

extension Kind.Served {
    var isIstio: Bool { group.hasSuffix(".istio.io") }

    fileprivate var group: String {
        switch self {
        case .virtualService, .destinationRule, .gateway, .serviceEntry, .workloadEntry, .sidecar: "networking.istio.io"
        case .peerAuthentication: "security.istio.io"
        case .service, .endpoints, .pod, .secret, .configMap: ""
        case .endpointSlice: "discovery.k8s.io"
        case .proxy: "outrider.dev"
        }
    }

    fileprivate var versions: [String] {
        switch self {
        case .proxy: ["v1alpha1"]
        case .peerAuthentication: ["v1", "v1beta1"]
        case _ where isIstio: ["v1", "v1beta1", "v1alpha3"]
        default: ["v1"]
        }
    }

    fileprivate var apiVersions: [String] { versions.map { group.isEmpty ? $0 : "\(group)/\($0)" } }

    /// The schema's type of `spec`; nil: the resource's fields stand at the top.
    var specType: String? {
        switch self {
        case .endpoints, .endpointSlice, .secret, .configMap: nil
        default: rawValue
        }
    }

    /// The schema's type of `status`, where it is read.
    var statusType: String? {
        switch self {
        case .pod: "PodStatus"
        case .workloadEntry: "WorkloadEntryStatus"
        default: nil
        }
    }
}
