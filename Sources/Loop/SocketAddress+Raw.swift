import CEventLoop
import Wire

extension outrider_address {
    /// The shim's form of an address. A path that does not fit becomes the empty one, which every call refuses.
    init(_ address: SocketAddress) {
        self.init()
        switch address {
        case .ipv4(let host, let port):
            family = UInt8(OUTRIDER_IPV4)
            ipv4_or_scope = host
            self.port = port
        case .ipv6(let high, let low, let port, let scope):
            family = UInt8(OUTRIDER_IPV6)
            self.high = high
            self.low = low
            self.port = port
            ipv4_or_scope = scope
        case .unix(let path):
            family = UInt8(OUTRIDER_UNIX)
            let bytes = path.utf8
            guard bytes.count < MemoryLayout.size(ofValue: self.path), !bytes.contains(0) else { return }
            withUnsafeMutableBytes(of: &self.path) { $0.copyBytes(from: bytes) }
            path_length = UInt8(bytes.count)
        }
    }
}

extension SocketAddress {
    /// The address that the shim filled in; nil for a family that is neither IP nor Unix.
    init?(_ raw: outrider_address) {
        switch Int(raw.family) {
        case OUTRIDER_IPV4: self = .ipv4(raw.ipv4_or_scope, port: raw.port)
        case OUTRIDER_IPV6:
            self = .ipv6(raw.high, raw.low, port: raw.port, scope: raw.ipv4_or_scope)
        case OUTRIDER_UNIX:
            guard raw.path_length > 0 else {
                self = .unix("")
                return
            }
            self = withUnsafeBytes(of: raw.path) { bytes in
                .unix(String(decoding: bytes.prefix(Int(raw.path_length)), as: UTF8.self))
            }
        default: return nil
        }
    }
}
