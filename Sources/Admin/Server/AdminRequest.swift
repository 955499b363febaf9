import Wire

/// A request to admin: the method, the path and the query, decoded.
package struct AdminRequest: Equatable, Sendable {
    package var method: String
    /// Percent-decoded, without the query.
    package var path: String
    /// Percent-decoded; of a name that occurs twice the first counts.
    package var query: [String: String]
    /// It came from a web page: a browser says so by `Origin` or `Sec-Fetch-Site`.
    package var isFromPage = false

    package init(method: String, target: String) {
        self.method = method
        let withoutFragment = target.prefix { $0 != "#" }
        let parts = withoutFragment.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = Self.decode(parts.first ?? "", plusIsSpace: false)
        query = [:]
        guard parts.count == 2 else { return }
        for pair in parts[1].split(separator: "&").prefix(Self.parametersMax) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decode(halves[0], plusIsSpace: true)
            if query[name] == nil { query[name] = halves.count == 2 ? Self.decode(halves[1], plusIsSpace: true) : "" }
        }
    }

    /// Parameters beyond this number are not looked at.
    static let parametersMax = 64

    /// Percent-decoding; what is no valid escape stays as it is, and bytes that are no UTF-8 are repaired.
    static func decode(_ text: Substring, plusIsSpace: Bool) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(digit),
                let low = rest.dropFirst().first.flatMap(digit)
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") && plusIsSpace ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
