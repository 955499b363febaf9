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

    /// Tells connections of one endpoint apart that cannot stand in for each other: by what they speak, by the TLS settings that they
    /// were made with, and by the server name where that is the request's.
    func variant(in cluster: ClusterRecord, head: Head) -> UInt32 {
        let variant = UInt32(rawValue) | UInt32(cluster.transport & 0x3FFF) << 2
        guard cluster.flags.contains(.namesRequests) else { return variant }
        let authority = head.bytes(head.authority)
        var hash: UInt32 = 0x811C_9DC5
        for byte in authority[..<Authority.hostLength(authority)] { hash = (hash ^ UInt32(byte | 0x20)) &* 0x0100_0193 }
        return variant | (hash ^ hash >> 16) << 16
    }
}
