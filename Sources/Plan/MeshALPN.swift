import Clusters

/// The protocols that workloads of a mesh name to each other inside mutual TLS, so that a permissive port can tell their connections
/// from others'.
package enum MeshALPN {
    package static let http10 = ["istio-http/1.0", "istio", "http/1.0"]
    package static let http11 = ["istio-http/1.1", "istio", "http/1.1"]
    package static let http2 = ["istio-h2", "istio", "h2"]
    package static let tcp = ["istio-peer-exchange", "istio"]

    /// What a client offers that is about to speak this protocol. A cluster that speaks `asClient` carries the list of HTTP/1.1, and
    /// each connection offers the one of what it will carry; bytes that are passed on offer `tcp`.
    package static func offered(for speaks: UpstreamProtocol) -> [String] { speaks == .http2 ? http2 : http11 }

    /// By these a server knows that a workload wants HTTP.
    package static let wantsHTTP = ["istio-http/1.0", "istio-http/1.1", "istio-h2"]
    /// By these a server knows that a workload wants bytes passed on.
    package static let wantsTCP = ["istio-peer-exchange", "istio"]
    /// Any of both.
    package static let any = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"]
}
