import Clusters
import Wire

/// What a call needs its connection to speak.
enum CallProtocol: UInt8 {
    case http1, http2
    /// Bytes: TCP routes and CONNECT.
    case raw

    /// As the cluster says. An upgrade is sent in the client's own words where the cluster leaves the choice.
    init(cluster: ClusterRecord, head: Head) {
        switch cluster.speaks {
        case .http1: self = .http1
        case .http2: self = .http2
        case .asClient: self = head.isHTTP2 ? .http2 : .http1
        }
    }

    /// Tells connections of one endpoint apart that cannot stand in for each other: 0 is the cluster's own protocol. Where the TLS
    /// name is the request's, a hash of it is part of the number.
    func variant(in cluster: ClusterRecord, head: Head) -> UInt32 {
        let usual: CallProtocol = cluster.speaks == .http2 ? .http2 : .http1
        var variant: UInt32 = self == usual ? 0 : UInt32(rawValue) + 1
        if cluster.flags.contains(.namesRequests) {
            let authority = head.bytes(head.authority)
            var hash: UInt32 = 0x811C_9DC5
            for byte in authority[..<Authority.hostLength(authority)] {
                hash = (hash ^ UInt32(byte | 0x20)) &* 0x0100_0193
            }
            variant |= hash << 2
        }
        return variant
    }
}
