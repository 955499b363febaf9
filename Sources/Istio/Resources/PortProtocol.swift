/// What a port speaks, by Istio's rules of protocol selection.
package enum PortProtocol: String, Hashable, Sendable {
    case http = "HTTP"
    case http2 = "HTTP2"
    case grpc = "GRPC"
    case grpcWeb = "GRPC-Web"
    case httpProxy = "HTTP_PROXY"
    case https = "HTTPS"
    case tls = "TLS"
    case tcp = "TCP"
    case mongo = "Mongo"
    case redis = "Redis"
    case mysql = "MySQL"
    case udp = "UDP"
    /// Unknown or empty: looked at when bytes arrive.
    case auto = "UNSUPPORTED"

    /// Routed by HTTP rules.
    package var isHTTP: Bool {
        switch self {
        case .http, .http2, .grpc, .grpcWeb, .httpProxy: true
        default: false
        }
    }

    /// Routed by server name.
    package var isTLS: Bool { self == .https || self == .tls }

    /// The word of a Gateway, ServiceEntry or Sidecar port, in any case. nil: not one that Istio knows.
    package init?(token: String) {
        switch token.lowercased() {
        case "http": self = .http
        case "http2": self = .http2
        case "grpc": self = .grpc
        case "grpc-web": self = .grpcWeb
        case "http_proxy": self = .httpProxy
        case "https": self = .https
        case "tls": self = .tls
        case "tcp": self = .tcp
        case "mongo": self = .mongo
        case "redis": self = .redis
        case "mysql": self = .mysql
        case "udp": self = .udp
        default: return nil
        }
    }

    /// The protocol of a Kubernetes Service's port: from `protocol`, then `appProtocol`, then the name up to its first `-`.
    /// Ports on which servers are known to speak first are TCP rather than looked at.
    package init(servicePort port: Int, name: String, protocol: String, appProtocol: String?) {
        if `protocol`.uppercased() == "UDP" {
            self = .udp
            return
        }
        switch appProtocol {
        case "kubernetes.io/h2c": self = .http2
        case "kubernetes.io/ws": self = .http
        case "kubernetes.io/wss": self = .https
        default:
            let word = (appProtocol.flatMap { $0.isEmpty ? nil : $0 } ?? name).lowercased()
            if word.hasPrefix("grpc-web") {
                self = .grpcWeb
            } else if let known = PortProtocol(token: String(word.prefix { $0 != "-" })) {
                self = known
            } else {
                self = Self.serverSpeaksFirst.contains(port) ? .tcp : .auto
            }
        }
    }

    private static let serverSpeaksFirst: Set<Int> = [25, 53, 3306, 27017]
}
