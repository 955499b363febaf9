extension SocketAddress {
    /// Reads `1.2.3.4:80`, `[::1]:80` or `unix:///path` (also `unix:/path`). Nil for anything else, host names included.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            var path = text.dropFirst(5)
            if path.hasPrefix("//") { path = path.dropFirst(2) }
            // 107 bytes is what sun_path holds beside its closing zero.
            guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else { return nil }
            self = .unix(String(path))
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
            guard let (high, low) = Self.ipv6(host) else { return nil }
            self = .ipv6(high, low, port: port, scope: 0)
        } else {
            guard let address = Self.ipv4(host) else { return nil }
            self = .ipv4(address, port: port)
        }
    }

    /// Reads a bare IPv4 or IPv6 address, the latter with or without brackets.
    package init?(host: String, port: UInt16) {
        if let address = Self.ipv4(host[...]) {
            self = .ipv4(address, port: port)
            return
        }
        var bare = host[...]
        if bare.hasPrefix("["), bare.hasSuffix("]") { bare = bare.dropFirst().dropLast() }
        guard let (high, low) = Self.ipv6(bare) else { return nil }
        self = .ipv6(high, low, port: port, scope: 0)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt16(text)
    }

    private static func ipv4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                part == "0" || !part.hasPrefix("0"), let byte = UInt8(part)
            else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    private static func ipv6(_ text: Substring) -> (UInt64, UInt64)? {
        var text = String(text)
        // An embedded IPv4 address stands for the last two groups.
        if let colon = text.lastIndex(of: ":"), text[colon...].contains(".") {
            guard let tail = ipv4(text[text.index(after: colon)...]) else { return nil }
            text = text[...colon] + String(tail >> 16, radix: 16) + ":" + String(tail & 0xFFFF, radix: 16)
        }
        let halves = text.components(separatedByDoubleColon: ())
        guard halves.count <= 2 else { return nil }
        var groups: [UInt64] = []
        for (index, half) in halves.enumerated() {
            let parts = half.isEmpty ? [] : half.split(separator: ":", omittingEmptySubsequences: false)
            var numbers: [UInt64] = []
            for part in parts {
                guard (1...4).contains(part.utf8.count), let number = UInt64(part, radix: 16), !part.hasPrefix("+"),
                    !part.hasPrefix("-")
                else { return nil }
                numbers.append(number)
            }
            if index == 1 {
                guard groups.count + numbers.count < 8 else { return nil }
                groups += [UInt64](repeating: 0, count: 8 - groups.count - numbers.count)
            }
            groups += numbers
        }
        guard groups.count == 8 else { return nil }
        let high = groups[0] << 48 | groups[1] << 32 | groups[2] << 16 | groups[3]
        return (high, groups[4] << 48 | groups[5] << 32 | groups[6] << 16 | groups[7])
    }

    /// RFC 5952: lower case, the longest run of zero groups (two or more) shortened.
    static func text(_ high: UInt64, _ low: UInt64) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - UInt64($0 % 4) * 16)) }
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index > max(best.count, 1) { best = index..<end }
            index = max(end, index + 1)
        }
        let hex = groups.map { String($0, radix: 16) }
        if best.isEmpty { return hex.joined(separator: ":") }
        return hex[..<best.lowerBound].joined(separator: ":") + "::" + hex[best.upperBound...].joined(separator: ":")
    }
}

extension String {
    fileprivate func components(separatedByDoubleColon: Void) -> [Substring] {
        var parts: [Substring] = []
        var start = startIndex
        var index = startIndex
        while index < endIndex {
            let next = self.index(after: index)
            if self[index] == ":", next < endIndex, self[next] == ":" {
                parts.append(self[start..<index])
                start = self.index(after: next)
                index = start
            } else {
                index = next
            }
        }
        parts.append(self[start...])
        return parts
    }
}
