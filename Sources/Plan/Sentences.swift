import Clusters
import TLS

// Chains and TLS in words, the same in every verb and in `Plan.describe()`. Key material is named, never shown.

extension ChainSpec {
    /// What a connection must be like: `TLS for a.example, ALPN h2`; empty: any.
    package var condition: String {
        var parts: [String] = []
        switch transport {
        case .any: break
        case .plain: parts.append("plain text")
        case .tls: parts.append("TLS")
        }
        if !serverNames.isEmpty { parts.append("server name \(serverNames.joined(separator: " "))") }
        if !alpn.isEmpty { parts.append("ALPN \(alpn.joined(separator: " "))") }
        switch application {
        case .any: break
        case .http: parts.append("HTTP")
        case .other: parts.append("no HTTP")
        }
        if !destinations.isEmpty { parts.append("to \(destinations.map(\.description).joined(separator: " "))") }
        return parts.joined(separator: ", ")
    }
}

extension TLSServerSettings {
    /// `mutual TLS with Secret a/b tls.crt, ALPN h2 http/1.1`.
    package var sentence: String {
        guard !certificates.isEmpty else { return "closed: TLS without a certificate" }
        let mode =
            switch clientCertificates {
            case .none: "TLS"
            case .optional: "TLS, client certificates optional"
            case .required: trustDomains.isEmpty ? "mutual TLS" : "mutual TLS of the mesh"
            }
        var parts = ["\(mode) with \(certificates.map(\.chain.description).joined(separator: " and "))"]
        if minVersion != .automatic { parts.append("from \(minVersion.rawValue)") }
        if maxVersion != .automatic { parts.append("to \(maxVersion.rawValue)") }
        if !subjectAltNames.isEmpty { parts.append("clients \(subjectAltNames.joined(separator: " "))") }
        if !publicKeyHashes.isEmpty || !certificateHashes.isEmpty {
            parts.append("\(publicKeyHashes.count + certificateHashes.count) pinned client certificates")
        }
        if !alpn.isEmpty { parts.append("ALPN \(alpn.joined(separator: " "))") }
        return parts.joined(separator: ", ")
    }
}

extension TLSClientSettings {
    /// Nobody's certificate can verify: the settings stand for TLS that was asked for and cannot be spoken.
    package var isImpossible: Bool { authorities == .sources([]) }

    /// `mutual TLS of the mesh, server name …`.
    package var sentence: String {
        if isImpossible { return "closed: TLS that cannot be set up" }
        var parts = [isMesh ? "mutual TLS of the mesh" : certificate == nil ? "TLS" : "mutual TLS"]
        switch serverName {
        case .fixed(let name): parts.append("server name \(name)")
        case .ofRequest: parts.append("server name of the request")
        case .none: break
        }
        switch authorities {
        case .system: parts.append("authorities of the system")
        case .sources(let sources): parts.append("authorities \(sources.map(\.description).joined(separator: " "))")
        case .unverified: parts.append("nothing verified")
        }
        if !subjectAltNames.isEmpty { parts.append("names \(subjectAltNames.joined(separator: " "))") }
        if !alpn.isEmpty { parts.append("ALPN \(alpn.joined(separator: " "))") }
        return parts.joined(separator: ", ")
    }
}

extension UpstreamProtocol {
    package var sentence: String {
        switch self {
        case .http1: "HTTP/1.1"
        case .http2: "HTTP/2"
        case .asClient: "as the client"
        }
    }
}
