/// A range of IP addresses, `10.0.0.0/8` or a single one.
package struct Subnet: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes, network order, bits behind the prefix cleared.
    package let bytes: [UInt8]
    package let prefixLength: Int

    /// nil: not an address, or a prefix longer than one.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = SocketAddress(host: String(first), port: 0),
            var bytes = address.ipBytes
        else { return nil }
        var length = bytes.count * 8
        if parts.count == 2 {
            guard let given = Int(parts[1]), given >= 0, given <= length else { return nil }
            length = given
        }
        for index in bytes.indices {
            let kept = min(max(length - index * 8, 0), 8)
            bytes[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
        self.bytes = bytes
        prefixLength = length
    }

    /// Whether the address lies in the range.
    package func contains(_ address: SocketAddress) -> Bool {
        guard let other = address.ipBytes, other.count == bytes.count else { return false }
        for index in bytes.indices {
            let kept = min(max(prefixLength - index * 8, 0), 8)
            if (other[index] ^ bytes[index]) & UInt8(truncatingIfNeeded: 0xFF00 >> kept) != 0 { return false }
        }
        return true
    }

    package var description: String {
        "\(SocketAddress(ip: bytes, port: 0).host)/\(prefixLength)"
    }
}
